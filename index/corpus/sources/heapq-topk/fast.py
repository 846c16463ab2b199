"""The players with the highest scores."""

import heapq


def leaders(scores, count):
    return heapq.nlargest(count, scores.items(), key=lambda item: item[1])
