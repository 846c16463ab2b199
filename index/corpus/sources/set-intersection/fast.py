"""Friends that two people share."""


def shared_friends(first, second):
    return sorted(set(first).intersection(second))
