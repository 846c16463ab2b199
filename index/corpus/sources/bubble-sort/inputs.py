import random


def inputs():
    rng = random.Random(53)
    for size in range(90, 170, 10):
        yield ([rng.randrange(10**6) for _ in range(size)],), {}
