"""The highest load in each window."""

from collections import deque


def peak_loads(loads, width):
    peaks = []
    candidates = deque()
    for position, load in enumerate(loads):
        while candidates and loads[candidates[-1]] <= load:
            candidates.pop()
        candidates.append(position)
        if candidates[0] <= position - width:
            candidates.popleft()
        if position >= width - 1:
            peaks.append(loads[candidates[0]])
    return peaks
