"""Friends that two people share."""


def shared_friends(first, second):
    shared = []
    for a in first:
        for b in second:
            if a == b and a not in shared:
                shared.append(a)
    shared.sort()
    return shared
