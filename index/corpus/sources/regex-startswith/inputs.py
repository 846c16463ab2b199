import random


def inputs():
    rng = random.Random(7)
    for size in range(900, 1500, 75):
        kinds = ["ERROR: ", "WARNING: ", "INFO: ", "DEBUG: "]
        yield ([rng.choice(kinds) + f"job {n} took {n * 7 % 13} s" for n in range(size)],), {}
