"""Bookings of one day, in minutes; some are empty, equal or the wrong way round."""

import random


def inputs():
    fixed = random.Random(5)
    yield ([],), {}
    yield ([(0, 10), (10, 20), (5, 5), (5, 15), (5, 15), (9, 3), (3, 9), (3, 9)],), {}
    for size in (40, 120, 200, 280):
        bookings = []
        for _ in range(size):
            start = fixed.randrange(24 * 60)
            bookings.append((start, start + fixed.randrange(-5, 120)))
        yield (bookings,), {}
