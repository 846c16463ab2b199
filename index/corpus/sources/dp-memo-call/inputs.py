import random


def inputs():
    rng = random.Random(27)
    for size in (9, 10, 9, 10, 9, 10, 9, 10):
        left = "".join(rng.choice("abcd") for _ in range(size))
        right = "".join(rng.choice("cdef") for _ in range(size))
        yield (left, right), {}
