"""Pairs of parcels that fill a box exactly."""


def exact_pairs(weights, capacity):
    pairs = 0
    earlier = {}
    for weight in weights:
        pairs += earlier.get(capacity - weight, 0)
        earlier[weight] = earlier.get(weight, 0) + 1
    return pairs
