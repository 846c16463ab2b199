import random


def inputs():
    rng = random.Random(48)
    order = [f"status-{n}" for n in range(120)]
    for size in range(400, 720, 40):
        yield ([(n, rng.choice(order)) for n in range(size)], order), {}
