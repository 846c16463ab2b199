"""Booked times without overlaps."""


def merged(bookings):
    result = []
    for start, end in sorted(bookings):
        if result and start <= result[-1][1]:
            if end > result[-1][1]:
                result[-1] = (result[-1][0], end)
        else:
            result.append((start, end))
    return result
