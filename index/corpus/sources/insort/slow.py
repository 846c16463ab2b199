"""Running median of a stream."""


def running_medians(values):
    window = []
    medians = []
    for value in values:
        window.append(value)
        window.sort()
        medians.append(window[len(window) // 2])
    return medians
