"""Tax bracket of each income."""

from bisect import bisect_left


def brackets(incomes, limits):
    return [bisect_left(limits, income) for income in incomes]
