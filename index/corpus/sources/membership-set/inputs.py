import random


def inputs():
    rng = random.Random(1)
    for size in range(200, 440, 24):
        watched = [f"C{n:05d}" for n in rng.sample(range(5000), size)]
        orders = [(n, f"C{rng.randrange(5000):05d}", rng.randrange(-5, 900)) for n in range(400)]
        yield (orders, watched), {}
