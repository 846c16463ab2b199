"""The highest load in each window."""


def peak_loads(loads, width):
    peaks = []
    for start in range(len(loads) - width + 1):
        peaks.append(max(loads[start : start + width]))
    return peaks
