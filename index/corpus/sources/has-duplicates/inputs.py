def inputs():
    for size in range(400, 720, 40):
        yield ([f"SN-{n * 7919 % 100003}" for n in range(size)],), {}
