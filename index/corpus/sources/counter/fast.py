"""How often each word occurs."""

from collections import Counter


def word_counts(words):
    return dict(Counter(words))
