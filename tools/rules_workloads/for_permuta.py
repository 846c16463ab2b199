"""Calls of permuta's functions that its tests do not make."""

import random

from attempts import attempt
from permuta import Perm


def nearly_sorted(rng, length, swaps):
    values = list(range(length))
    for _ in range(swaps):
        place = rng.randrange(length - 1)
        values[place], values[place + 1] = values[place + 1], values[place]
    return Perm(values)


def main():
    rng = random.Random(2)
    for length in (5, 9, 60, 500):
        attempt(Perm(rng.sample(range(length), length)).count_bounces)
    for length, swaps in ((10, 4), (40, 30), (100, 150), (300, 500), (600, 900), (900, 200)):
        attempt(nearly_sorted(rng, length, swaps).count_bounces)
    attempt(Perm.identity(200).count_bounces)


if __name__ == "__main__":
    main()
