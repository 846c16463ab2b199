import random


def inputs():
    rng = random.Random(44)
    for size in range(300, 500, 25):
        yield ([rng.randrange(10**6) for _ in range(size)],), {}
