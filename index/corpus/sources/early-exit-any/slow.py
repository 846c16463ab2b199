"""Whether a shipment holds a restricted item."""


def is_restricted(items, limit):
    heavy = [item for item in items if item["weight"] * item["count"] > limit]
    return len(heavy) > 0
