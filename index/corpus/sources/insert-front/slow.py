"""The chain of parents of a record, root first."""


def path_to_root(parents, node):
    path = []
    while node is not None:
        path.insert(0, node)
        node = parents[node]
    return path
