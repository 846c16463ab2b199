import random


def inputs():
    rng = random.Random(43)
    for size in range(60, 100, 5):
        yield (["".join(rng.choice("abcde") for _ in range(5)) for _ in range(size)],), {}
