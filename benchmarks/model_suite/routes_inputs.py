"""Grids of several shapes; rows may be of unequal length, cells may be closed."""

import random


def inputs():
    fixed = random.Random(3)
    yield ([],), {}
    yield (["."],), {}
    yield (["#.", ".."],), {}
    yield (["...", ".", "..."],), {}
    yield ([".....", "...", "....", "....."], 1, 1), {}
    for rows, columns in ((4, 9), (6, 6), (7, 7), (8, 7), (7, 9)):
        grid = ["".join(fixed.choice("......#") for _ in range(columns)) for _ in range(rows)]
        grid[0] = "." * columns
        grid[-1] = "." * columns
        yield (grid,), {}
        yield (grid,), {"row": 1}
