import random


def inputs():
    rng = random.Random(39)
    for size in range(900, 1500, 75):
        yield (" ".join(str(rng.randrange(10**7)) for _ in range(size)) + "\n",), {}
