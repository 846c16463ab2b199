"""Serial numbers that were given out twice."""


def has_duplicates(serials):
    for i in range(len(serials)):
        if serials[i] in serials[:i]:
            return True
    return False
