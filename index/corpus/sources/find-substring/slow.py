"""Positions of a pattern."""


def positions(text, pattern):
    found = []
    for start in range(len(text) - len(pattern) + 1):
        if text[start : start + len(pattern)] == pattern:
            found.append(start)
    return found
