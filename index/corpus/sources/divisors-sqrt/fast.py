"""Divisors of a number."""

from math import isqrt


def divisors(number):
    if number < 1:
        return []
    small = [c for c in range(1, isqrt(number) + 1) if number % c == 0]
    large = [number // c for c in reversed(small) if c * c != number]
    return small + large
