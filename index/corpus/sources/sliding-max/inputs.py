import random


def inputs():
    rng = random.Random(22)
    for size in range(1200, 2000, 100):
        yield ([rng.randrange(10**6) for _ in range(size)], 150), {}
