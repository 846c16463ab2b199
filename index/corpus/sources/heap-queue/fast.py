"""Cost of always joining the two lightest parts."""

import heapq


def join_cost(weights):
    parts = list(weights)
    heapq.heapify(parts)
    total = 0
    while len(parts) > 1:
        first = heapq.heappop(parts)
        joined = first + parts[0]
        heapq.heapreplace(parts, joined)
        total += joined
    return total
