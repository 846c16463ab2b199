import random


def inputs():
    rng = random.Random(38)
    for size in range(120, 200, 10):
        lines = [",".join(str(rng.randrange(10**4)) for _ in range(5)) for _ in range(size)]
        yield ("\n".join(lines), 3), {}
