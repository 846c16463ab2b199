def inputs():
    for size in range(60, 140, 10):
        yield ([{"id": n, "name": f"item {n}", "price": n * 7} for n in range(size)], "EUR"), {}
