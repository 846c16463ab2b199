"""Releases, newest first, then by name."""

from functools import cmp_to_key


def ordered(releases):
    def compare(a, b):
        if a["version"] != b["version"]:
            return -1 if a["version"] > b["version"] else 1
        if a["name"] != b["name"]:
            return -1 if a["name"] < b["name"] else 1
        return 0

    return sorted(releases, key=cmp_to_key(compare))
