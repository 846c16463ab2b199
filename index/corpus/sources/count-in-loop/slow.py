"""Votes by candidate, most votes first."""


def tally(votes):
    result = []
    for name in sorted(set(votes)):
        result.append((votes.count(name), name))
    result.sort(key=lambda pair: (-pair[0], pair[1]))
    return result
