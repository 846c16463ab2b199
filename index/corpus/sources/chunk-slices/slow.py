"""Batches for an upload."""


def batches(items, size):
    result = []
    rest = list(items)
    while rest:
        batch = []
        while rest and len(batch) < size:
            batch.append(rest.pop(0))
        result.append(batch)
    return result
