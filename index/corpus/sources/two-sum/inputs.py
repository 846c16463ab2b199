import random


def inputs():
    rng = random.Random(23)
    for size in range(150, 230, 10):
        yield ([rng.randrange(1, 400) for _ in range(size)], 400), {}
