"""Known words of a text by their rank."""


def ranks(words, rank_of):
    result = []
    for word in words:
        try:
            result.append(rank_of[word])
        except KeyError:
            result.append(None)
    return result
