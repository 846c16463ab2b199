def inputs():
    for limit in range(2000, 4000, 250):
        yield (limit,), {}
