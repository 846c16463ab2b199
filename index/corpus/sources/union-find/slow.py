"""Number of separate networks."""


def networks(size, links):
    label = list(range(size))
    for a, b in links:
        old, new = label[a], label[b]
        if old != new:
            for node in range(size):
                if label[node] == old:
                    label[node] = new
    return len(set(label))
