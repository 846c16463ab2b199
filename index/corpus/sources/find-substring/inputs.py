import random


def inputs():
    rng = random.Random(50)
    for size in range(6000, 10000, 500):
        yield ("".join(rng.choice("abcd") for _ in range(size)), "abcda"), {}
