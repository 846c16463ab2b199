"""Match misspelt street names to a register with several measures (README: quick start)."""

import random

import textdistance

random.seed(7)
SYLL_TEXT = """
ber lin ham burg dres den frank furt leip zig koln bonn kass el ulm gera jena
"""
SYLL = SYLL_TEXT.split()
names = [" ".join("".join(random.choices(SYLL, k=3)) for _ in range(2)) for _ in range(60)]


def typo(s):
    i = random.randrange(len(s) - 1)
    return random.choice(
        [s[:i] + s[i + 1 :], s[:i] + s[i + 1] + s[i] + s[i + 2 :], s[:i] + "x" + s[i:]]
    )


queries = [typo(random.choice(names)) for _ in range(14)]
total = 0.0
for measure in (
    textdistance.levenshtein,
    textdistance.damerau_levenshtein,
    textdistance.jaro_winkler,
    textdistance.jaccard,
    textdistance.lcsseq,
    textdistance.ratcliff_obershelp,
    textdistance.strcmp95,
    textdistance.mra,
):
    for q in queries:
        best = max(names, key=lambda n: measure.normalized_similarity(q, n))
        total += measure.normalized_similarity(q, best)
print(round(total, 6))
