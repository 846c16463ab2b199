import random


def inputs():
    rng = random.Random(49)
    for size in range(16000, 24000, 1000):
        yield ("".join(rng.choice("ab") * rng.choice((1, 1, 2)) for _ in range(size)),), {}
