"""Stock value by warehouse."""


class Item:
    def __init__(self, price, count):
        self.price = price
        self.count = count

    def value(self):
        return self.price * self.count


def stock_values(warehouses):
    report = {}
    for name, rows in warehouses.items():
        report[name] = 0
        for price, count in rows:
            item = Item(price, count)
            report[name] = report[name] + item.value()
    return report
