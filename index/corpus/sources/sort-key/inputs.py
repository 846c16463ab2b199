import random


def inputs():
    rng = random.Random(52)
    for size in range(240, 400, 20):
        yield (
            [{"version": rng.randrange(40), "name": f"pkg{rng.randrange(900)}"} for _ in range(size)],
        ), {}
