import random


def inputs():
    rng = random.Random(47)
    for size in range(160, 240, 10):
        yield (size, [(rng.randrange(size), rng.randrange(size)) for _ in range(size)]), {}
