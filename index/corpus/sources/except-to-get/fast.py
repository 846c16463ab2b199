"""Known words of a text by their rank."""


def ranks(words, rank_of):
    get = rank_of.get
    return [get(word) for word in words]
