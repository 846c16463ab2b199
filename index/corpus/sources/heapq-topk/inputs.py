import random


def inputs():
    rng = random.Random(16)
    for size in range(12000, 18000, 1000):
        yield ({f"p{n}": rng.randrange(10**7) for n in range(size)}, 5), {}
