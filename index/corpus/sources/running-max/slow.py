"""Highest price seen so far, day by day."""


def highs(prices):
    result = []
    for day in range(len(prices)):
        result.append(max(prices[: day + 1]))
    return result
