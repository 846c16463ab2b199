import random


def inputs():
    rng = random.Random(10)
    for size in range(9000, 15000, 750):
        yield ("".join(rng.choice("ACGTN") for _ in range(size)),), {}
