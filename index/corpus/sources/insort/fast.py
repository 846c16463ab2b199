"""Running median of a stream."""

from bisect import insort


def running_medians(values):
    window = []
    medians = []
    for value in values:
        insort(window, value)
        medians.append(window[len(window) // 2])
    return medians
