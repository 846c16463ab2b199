"""Lists of integers of both signs, with equal counts of ones."""

import random


def inputs():
    fixed = random.Random(6)
    for numbers in ([], [1, 5, 2, 3, 4], [-2, -3, -4, -5, -6], [1, 0, 2, 3, 4], [7, 7, 7], [-1, 1]):
        yield (numbers,), {}
    for size in (30, 100, 200, 400):
        yield ([fixed.randint(-size, size * size) for _ in range(size)],), {}
