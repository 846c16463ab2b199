def inputs():
    for size in range(300, 500, 25):
        yield ([[f"m{team}-{n}" for n in range(6)] for team in range(size)],), {}
