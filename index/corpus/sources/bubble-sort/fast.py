"""Readings in order."""


def in_order(readings):
    return sorted(readings)
