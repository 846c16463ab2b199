import random


def inputs():
    rng = random.Random(13)
    for size in range(400, 720, 40):
        yield (
            [
                {"department": f"D{rng.randrange(60)}", "amount": rng.randrange(10**6)}
                for _ in range(size)
            ],
        ), {}
