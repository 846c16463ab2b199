import random


def inputs():
    rng = random.Random(42)
    for size in range(150, 310, 20):
        yield (rng.getrandbits(64), [rng.getrandbits(64) for _ in range(size)]), {}
