import random


def inputs():
    rng = random.Random(17)
    for size in range(600, 1000, 50):
        yield ([rng.randrange(10**6) for _ in range(size)],), {}
