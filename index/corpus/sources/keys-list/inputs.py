import random


def inputs():
    rng = random.Random(54)
    for size in range(160, 240, 10):
        prices = {f"item{n}": rng.randrange(1, 999) for n in range(size)}
        basket = [(f"item{rng.randrange(size * 2)}", rng.randrange(1, 5)) for _ in range(200)]
        yield (basket, prices), {}
