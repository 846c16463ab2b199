import random


def inputs():
    rng = random.Random(36)
    for size in range(1500, 2300, 100):
        yield (rng.randbytes(size * 8 + 3),), {}
