"""Paths that are served from the cache."""


def cacheable(paths, prefixes):
    wanted = tuple(prefixes)
    return [path for path in paths if path.startswith(wanted)]
