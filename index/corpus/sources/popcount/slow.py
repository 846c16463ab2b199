"""Differences between bit signatures."""


def distances(signature, others):
    result = []
    for other in others:
        difference = signature ^ other
        count = 0
        while difference:
            count += difference & 1
            difference >>= 1
        result.append(count)
    return result
