"""Stock value by warehouse."""


class Item:
    def __init__(self, price, count):
        self.price = price
        self.count = count

    def value(self):
        return self.price * self.count


def stock_values(warehouses):
    return {
        name: sum([price * count for price, count in rows]) for name, rows in warehouses.items()
    }
