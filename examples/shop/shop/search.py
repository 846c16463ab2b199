"""'Did you mean ...?' for misspelt searches."""


def distance(a, b):
    """Edits (insert, delete, replace) that turn `a` into `b`."""
    if not a:
        return len(b)
    if not b:
        return len(a)
    if a[0] == b[0]:
        return distance(a[1:], b[1:])
    return 1 + min(distance(a[1:], b), distance(a, b[1:]), distance(a[1:], b[1:]))


def suggest(queries, catalogue):
    """The closest name in the catalogue for every query, judged by its first five letters."""
    names = sorted({item["name"] for item in catalogue})[:25]
    result = []
    for query in queries:
        closest = sorted(names, key=lambda name: (distance(query[:5], name[:5]), name))[0]
        result.append((query, closest))
    return result
