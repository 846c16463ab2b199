import random


def inputs():
    rng = random.Random(15)
    for size in range(6000, 10000, 500):
        yield ([(n, rng.randrange(10**6), rng.randrange(9)) for n in range(size)],), {}
