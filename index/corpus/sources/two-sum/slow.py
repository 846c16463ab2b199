"""Pairs of parcels that fill a box exactly."""


def exact_pairs(weights, capacity):
    pairs = 0
    for i in range(len(weights)):
        for j in range(i + 1, len(weights)):
            if weights[i] + weights[j] == capacity:
                pairs += 1
    return pairs
