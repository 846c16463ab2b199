"""All members of all teams."""

from itertools import chain


def all_members(teams):
    return list(chain.from_iterable(teams))
