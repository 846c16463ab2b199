"""The week with the most sales."""


def best_window(sales, width):
    best_start, best_total = 0, None
    for start in range(len(sales) - width + 1):
        total = 0
        for offset in range(width):
            total += sales[start + offset]
        if best_total is None or total > best_total:
            best_start, best_total = start, total
    return best_start, best_total
