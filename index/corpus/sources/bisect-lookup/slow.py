"""Tax bracket of each income."""


def brackets(incomes, limits):
    result = []
    for income in incomes:
        position = 0
        while position < len(limits) and limits[position] < income:
            position += 1
        result.append(position)
    return result
