"""Lists of integers of both signs."""

import random


def inputs():
    fixed = random.Random(2)
    yield ([],), {}
    yield ([0, -1, 11, -11, 10, -10, 1, -12, -21, 123, -123, -321, -100],), {}
    for size in (100, 300, 600, 1000):
        top = size * size
        yield ([fixed.randint(-top, top) for _ in range(size)],), {}
        yield ([-sum(fixed.randint(1, 9) * 10**fixed.randint(0, 7) for _ in range(3))
                for _ in range(size)],), {}
