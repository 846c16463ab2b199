import random


def inputs():
    rng = random.Random(57)
    for size in range(4000, 7200, 400):
        yield ([(n, rng.randrange(100)) for n in range(size)], 60), {}
