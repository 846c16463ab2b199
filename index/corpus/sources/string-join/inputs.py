import random


def inputs():
    rng = random.Random(5)
    for size in range(160, 240, 10):
        rows = [(f"sensor {n}", [rng.randrange(100000) for _ in range(12)]) for n in range(size)]
        yield (rows,), {}
