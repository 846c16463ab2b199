import random


def inputs():
    rng = random.Random(11)
    vocabulary = [f"w{n}" for n in range(100)]
    for size in range(9000, 15000, 750):
        yield ([rng.choice(vocabulary) for _ in range(size)],), {}
