import random


def inputs():
    rng = random.Random(21)
    for size in range(500, 900, 50):
        yield ([rng.randrange(10**5) for _ in range(size)], 28), {}
