"""Brackets with and without a nested pair, and the documented cases."""

import random


def inputs():
    fixed = random.Random(1)
    for text in ("", "[", "[]", "[[]]", "[]]]]]]][[[[[]", "[][]", "[[][]]", "[[]][[", "]]["):
        yield (text,), {}
    for size in (60, 120, 200, 280):
        left = fixed.randrange(size // 4)
        yield ("][" + "]" * left + "[" * (size - left) + "][",), {}
        yield ("[]" * size,), {}
        yield ("".join(fixed.choice("[]") for _ in range(size)),), {}
