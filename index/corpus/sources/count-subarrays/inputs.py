import random


def inputs():
    rng = random.Random(58)
    for size in range(150, 230, 10):
        yield ([rng.randrange(-4, 5) for _ in range(size)],), {}
