"""Prices of what is in the basket."""


def basket_total(basket, prices):
    total = 0
    for name, count in basket:
        if name in prices:
            total += prices[name] * count
    return total
