"""Whether a shipment holds a restricted item."""


def is_restricted(items, limit):
    for item in items:
        if item["weight"] * item["count"] > limit:
            return True
    return False
