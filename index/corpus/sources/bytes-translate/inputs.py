import random


def inputs():
    rng = random.Random(37)
    for size in range(3000, 5000, 250):
        yield (rng.randbytes(size), rng.randrange(256)), {}
