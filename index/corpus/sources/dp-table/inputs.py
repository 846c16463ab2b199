def inputs():
    for amount in range(40, 72, 4):
        yield (amount, (25, 10, 5, 2, 1)), {}
