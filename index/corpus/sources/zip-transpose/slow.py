"""Columns of a table."""


def columns(table):
    if not table:
        return []
    result = []
    for column in range(len(table[0])):
        values = []
        for row in range(len(table)):
            values.append(table[row][column])
        result.append(values)
    return result
