import random


def inputs():
    rng = random.Random(6)
    for bits in range(1500, 2500, 125):
        yield (rng.getrandbits(bits) | (1 << bits), 2, "01"), {}
