import random


def inputs():
    rng = random.Random(12)
    for size in range(1200, 2000, 100):
        names = [f"candidate {n}" for n in range(60)]
        yield ([rng.choice(names) for _ in range(size)],), {}
