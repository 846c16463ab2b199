"""Votes by candidate, most votes first."""

from collections import Counter


def tally(votes):
    result = [(count, name) for name, count in Counter(votes).items()]
    result.sort(key=lambda pair: (-pair[0], pair[1]))
    return result
