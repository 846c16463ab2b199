"""The smallest gap between two arrivals."""


def smallest_gap(times):
    smallest = None
    for i, first in enumerate(times):
        for second in times[i + 1 :]:
            gap = abs(first - second)
            if smallest is None or gap < smallest:
                smallest = gap
    return smallest
