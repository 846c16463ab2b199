"""Words, and the pairs of them that end alike."""


def make_words(count):
    letters = "abcdefghij"
    return sorted(letters[i % 7] + letters[i % 10] + letters[i % 3] for i in range(count))


def count_pairs(words):
    pairs = 0
    for first in words:
        for second in words:
            if first[2] == second[2]:
                pairs += 1
    return pairs
