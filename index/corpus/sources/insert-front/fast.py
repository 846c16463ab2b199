"""The chain of parents of a record, root first."""


def path_to_root(parents, node):
    path = []
    while node is not None:
        path.append(node)
        node = parents[node]
    path.reverse()
    return path
