import random


def inputs():
    rng = random.Random(18)
    for size in range(500, 820, 40):
        yield ([rng.randrange(1, 10**4) for _ in range(size)],), {}
