"""Ways through a warehouse."""


def count_routes(grid, row=0, column=0):
    """Ways from a cell to the last one, going right or down, around cells marked "#"."""
    if row >= len(grid) or column >= len(grid[row]):
        return 0
    if grid[row][column] == "#":
        return 0
    if row == len(grid) - 1 and column == len(grid[row]) - 1:
        return 1
    return count_routes(grid, row + 1, column) + count_routes(grid, row, column + 1)
