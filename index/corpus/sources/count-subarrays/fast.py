"""Periods whose balance is zero."""


def balanced_periods(changes):
    count = 0
    balance = 0
    seen = {0: 1}
    for change in changes:
        balance += change
        count += seen.get(balance, 0)
        seen[balance] = seen.get(balance, 0) + 1
    return count
