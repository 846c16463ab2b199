"""The cheapest offer that is in stock."""


def cheapest(offers):
    in_stock = [offer for offer in offers if offer[2] > 0]
    if not in_stock:
        return None
    return min(in_stock, key=lambda offer: offer[1])
