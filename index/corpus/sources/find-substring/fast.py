"""Positions of a pattern."""


def positions(text, pattern):
    found = []
    start = text.find(pattern)
    while start != -1:
        found.append(start)
        start = text.find(pattern, start + 1)
    return found
