import random


def inputs():
    rng = random.Random(46)
    for size in range(40, 72, 4):
        bookings = []
        for _ in range(size):
            start = rng.randrange(5000)
            bookings.append((start, start + rng.randrange(1, 90)))
        yield (bookings,), {}
