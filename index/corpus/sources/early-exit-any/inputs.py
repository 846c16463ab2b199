import random


def inputs():
    rng = random.Random(33)
    for size in range(2000, 3600, 200):
        items = [{"weight": rng.randrange(50), "count": rng.randrange(9)} for _ in range(size)]
        items[size // 8]["weight"] = 10**6
        items[size // 8]["count"] = 1
        yield (items, 10**5), {}
