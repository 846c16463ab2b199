import random


def inputs():
    rng = random.Random(9)
    names = ["host", "port", "user", "zone", "rack", "disk"]
    for size in range(80, 140, 7):
        lines = [
            ";".join(f"{name}={rng.randrange(9999)}" for name in rng.sample(names, 4))
            for _ in range(size)
        ]
        yield (lines, names), {}
