"""Sort rows by a preferred order of their status."""


def in_preferred_order(rows, order):
    position = {}
    for place, status in enumerate(order):
        position.setdefault(status, place)
    return sorted(rows, key=lambda row: (position[row[1]], row[0]))
