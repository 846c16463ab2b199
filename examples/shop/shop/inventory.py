"""Where things stand. These two are as they should be."""

from bisect import bisect_left


def shelf_index(catalogue):
    """Sorted (sku, shelf) pairs for `locate`."""
    return sorted((item["sku"], item["shelf"]) for item in catalogue)


def locate(index, sku):
    """Shelf of an article, or -1."""
    at = bisect_left(index, (sku,))
    if at < len(index) and index[at][0] == sku:
        return index[at][1]
    return -1
