import random


def inputs():
    rng = random.Random(19)
    for size in range(60, 120, 6):
        limits = sorted(rng.sample(range(10**6), size))
        yield ([rng.randrange(10**6) for _ in range(300)], limits), {}
