"""Which orders go into which parcel."""


def plan(orders, limit):
    """Fill parcels in the order in which the orders came, at most `limit` kilograms each."""
    waiting = []
    for order in orders:
        waiting.extend([order["grams"]] * order["pieces"])
    parcels = []
    load = 0
    while waiting:
        grams = waiting.pop(0)
        if load + grams > limit * 1000:
            parcels.append(load)
            load = 0
        load += grams
    parcels.append(load)
    return parcels
