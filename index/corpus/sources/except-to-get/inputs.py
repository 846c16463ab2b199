import random


def inputs():
    rng = random.Random(55)
    for size in range(2000, 3600, 200):
        rank_of = {f"w{n}": n for n in range(100)}
        yield ([f"w{rng.randrange(500)}" for _ in range(size)], rank_of), {}
