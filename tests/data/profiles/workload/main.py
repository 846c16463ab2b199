"""A program with known hot spots: every sample profile beside this folder is of one run of it."""

import sys

from grids import Grid, smooth
from letters import count_pairs, make_words


def report(words, rounds):
    pairs = 0
    total = 0
    for seed in range(rounds):
        pairs += count_pairs(words)
        total += smooth(Grid(90, seed))
    return pairs, total


def main(rounds):
    words = make_words(240)
    pairs, total = report(words, rounds)
    print(pairs, total)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 60)
