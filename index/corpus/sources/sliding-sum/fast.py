"""The week with the most sales."""


def best_window(sales, width):
    if len(sales) < width:
        return 0, None
    total = sum(sales[:width])
    best_start, best_total = 0, total
    for start in range(1, len(sales) - width + 1):
        total += sales[start + width - 1] - sales[start - 1]
        if total > best_total:
            best_start, best_total = start, total
    return best_start, best_total
