"""Shares of the largest value in whole percent."""


def percent_of_peak(readings):
    if not readings:
        return []
    peak = max(readings)
    return [reading * 100 // peak for reading in readings]
