"""Serial numbers that were given out twice."""


def has_duplicates(serials):
    return len(set(serials)) != len(serials)
