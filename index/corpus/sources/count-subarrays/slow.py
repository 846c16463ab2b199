"""Periods whose balance is zero."""


def balanced_periods(changes):
    count = 0
    for first in range(len(changes)):
        balance = 0
        for last in range(first, len(changes)):
            balance += changes[last]
            if balance == 0:
                count += 1
    return count
