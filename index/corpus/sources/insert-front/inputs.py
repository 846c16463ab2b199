def inputs():
    for size in range(3000, 5000, 250):
        parents = [None, *range(size - 1)]
        yield (parents, size - 1), {}
