"""Differences between bit signatures."""


def distances(signature, others):
    return [bin(signature ^ other).count("1") for other in others]
