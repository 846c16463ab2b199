def inputs():
    for first in range(10000, 90000, 10000):
        yield (first, first + 1200), {}
