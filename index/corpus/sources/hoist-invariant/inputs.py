import random


def inputs():
    rng = random.Random(29)
    for size in range(240, 400, 20):
        yield ([rng.randrange(1, 10**6) for _ in range(size)],), {}
