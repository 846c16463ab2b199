"""Shares of the largest value in whole percent."""


def percent_of_peak(readings):
    result = []
    for reading in readings:
        result.append(reading * 100 // max(readings))
    return result
