def inputs():
    for size in range(1000, 1800, 100):
        yield ([f"person {n}" for n in range(size)], size * 2 + 17), {}
