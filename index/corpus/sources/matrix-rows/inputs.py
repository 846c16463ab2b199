import random


def inputs():
    rng = random.Random(56)
    for size in range(14, 22):
        make = lambda: [[rng.randrange(100) for _ in range(size)] for _ in range(size)]
        yield (make(), make()), {}
