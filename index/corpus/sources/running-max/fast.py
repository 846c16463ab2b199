"""Highest price seen so far, day by day."""

from itertools import accumulate


def highs(prices):
    return list(accumulate(prices, max))
