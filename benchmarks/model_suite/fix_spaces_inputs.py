"""Texts with runs of spaces, at the ends too, and texts of spaces only."""

import random


def inputs():
    fixed = random.Random(4)
    for text in ("", " ", "  ", "   ", "    ", " " * 9, "a", "Example 1  ", "  Example 2",
                 " Example   3  ", "a   ", "   a", "a    b  c"):
        yield (text,), {}
    for size in (300, 700, 1200, 1800):
        words = []
        while sum(map(len, words)) < size:
            words.append(fixed.choice("abcXYZ019") + " " * fixed.randrange(6))
        yield ("".join(words),), {}
