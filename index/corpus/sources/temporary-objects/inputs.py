import random


def inputs():
    rng = random.Random(59)
    for size in range(200, 360, 20):
        yield (
            {
                f"house {n}": [(rng.randrange(99), rng.randrange(9)) for _ in range(size)]
                for n in range(8)
            },
        ), {}
