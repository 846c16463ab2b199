"""Releases, newest first, then by name."""


def ordered(releases):
    by_name = sorted(releases, key=lambda release: release["name"])
    by_name.sort(key=lambda release: release["version"], reverse=True)
    return by_name
