def inputs():
    for size in range(2000, 3600, 200):
        yield (list(range(size)), 50), {}
