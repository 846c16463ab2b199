"""Sort rows by a preferred order of their status."""


def in_preferred_order(rows, order):
    return sorted(rows, key=lambda row: (order.index(row[1]), row[0]))
