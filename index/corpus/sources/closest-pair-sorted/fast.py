"""The smallest gap between two arrivals."""


def smallest_gap(times):
    ordered = sorted(times)
    return min((b - a for a, b in zip(ordered, ordered[1:])), default=None)
