"""Cost of always joining the two lightest parts."""


def join_cost(weights):
    parts = list(weights)
    total = 0
    while len(parts) > 1:
        parts.sort()
        first = parts.pop(0)
        second = parts.pop(0)
        total += first + second
        parts.append(first + second)
    return total
