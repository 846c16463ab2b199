"""Figures for the report. Money is in cents, so sums are exact."""


def hourly_revenue(orders, hours):
    """Cents taken in each hour."""
    totals = [0] * hours
    for order in orders:
        totals[order["hour"]] += order["cents"]
    return totals


def moving_sum(values, width):
    """Revenue of every stretch of `width` hours."""
    result = []
    for i in range(len(values) - width + 1):
        result.append(sum(values[i : i + width]))
    return result


def best_sellers(orders, count):
    """The articles that sold most often."""
    sold = [order["sku"] for order in orders]
    ranking = []
    for sku in set(sold):
        ranking.append((sold.count(sku), sku))
    ranking.sort(reverse=True)
    return [(str(sku), number) for number, sku in ranking[:count]]
