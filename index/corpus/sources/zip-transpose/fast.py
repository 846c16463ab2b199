"""Columns of a table."""


def columns(table):
    return [list(column) for column in zip(*table)]
