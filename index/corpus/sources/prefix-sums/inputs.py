import random


def inputs():
    rng = random.Random(20)
    for size in range(700, 1100, 50):
        daily = [rng.randrange(10**4) for _ in range(size)]
        ranges = []
        for _ in range(300):
            first = rng.randrange(size)
            ranges.append((first, rng.randrange(first, size)))
        yield (daily, ranges), {}
