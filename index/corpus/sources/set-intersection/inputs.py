import random


def inputs():
    rng = random.Random(34)
    for size in range(120, 200, 10):
        names = [f"user{n}" for n in range(size * 2)]
        yield (rng.sample(names, size), rng.sample(names, size)), {}
