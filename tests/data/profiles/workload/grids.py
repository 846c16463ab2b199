"""Grids of numbers."""


class Grid:
    def __init__(self, size, seed):
        self.size = size
        self.rows = self.fill(seed)

    def fill(self, seed):
        size = self.size
        rows = []
        for y in range(size):
            row = []
            for x in range(size):
                row += [(x * y + seed) % 11]
            rows += [row]
        return rows


def smooth(grid):
    size, rows = grid.size, grid.rows
    total = 0
    for y in range(1, size - 1):
        for x in range(1, size - 1):
            row = rows[y]
            around = row[x - 1] + row[x + 1] + rows[y - 1][x] + rows[y + 1][x]
            total += (around + 4 * row[x]) // 8
    return total
