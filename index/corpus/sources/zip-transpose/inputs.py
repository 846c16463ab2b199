import random


def inputs():
    rng = random.Random(31)
    for size in range(60, 100, 5):
        yield ([[rng.randrange(10**4) for _ in range(size)] for _ in range(size)],), {}
