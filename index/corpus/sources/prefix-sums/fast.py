"""Visits in date ranges."""

from itertools import accumulate


def visits_between(daily, ranges):
    totals = [0, *accumulate(daily)]
    return [totals[last + 1] - totals[first] for first, last in ranges]
