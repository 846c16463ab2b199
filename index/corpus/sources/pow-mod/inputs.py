import random


def inputs():
    rng = random.Random(41)
    for _ in range(8):
        yield (rng.randrange(2, 10**6), [rng.randrange(500, 2500) for _ in range(10)], 1000003), {}
