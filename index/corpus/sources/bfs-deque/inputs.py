def inputs():
    # A hub whose spokes all wait in the queue at once.
    for size in range(16000, 22000, 1000):
        graph = {0: list(range(1, size))}
        for node in range(1, size):
            graph[node] = []
        yield (graph, 0), {}
