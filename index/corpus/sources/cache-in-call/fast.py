"""Requests by normalised address."""


def normalise(url):
    scheme, _, rest = url.partition("://")
    host, _, path = rest.partition("/")
    host = host.lower().rstrip(".")
    if host.startswith("www."):
        host = host[4:]
    parts = [part for part in path.split("/") if part not in ("", ".")]
    return scheme.lower() + "://" + host + "/" + "/".join(parts)


def requests_by_address(log):
    counts = {}
    known = {}
    for url in log:
        key = known.get(url)
        if key is None:
            key = known[url] = normalise(url)
        counts[key] = counts.get(key, 0) + 1
    return counts
