"""Paths that are served from the cache."""


def cacheable(paths, prefixes):
    kept = []
    for path in paths:
        if any(path.startswith(prefix) for prefix in prefixes):
            kept.append(path)
    return kept
