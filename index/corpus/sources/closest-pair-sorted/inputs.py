import random


def inputs():
    rng = random.Random(24)
    for size in range(150, 230, 10):
        yield ([rng.randrange(10**9) for _ in range(size)],), {}
