"""Words of a text, as both BM25 and the hashed embedding see them."""

from __future__ import annotations

import re

_WORD = re.compile(r"[a-z_]+|\d+")
_STOP_WORDS = """
    a an and are as at be before both but by can do does each for from has have if in into is it its
    of on one only or so some than that the their them then there they this to was were what when
    where which while with without
"""
_STOP = frozenset(_STOP_WORDS.split())
_ENDINGS = ("ations", "ation", "ings", "ing", "ies", "ed", "es", "s")
_SHORTEST_STEM = 3


def words(text: str) -> list[str]:
    """Lower-case stems without stop words: "tests membership in lists" is test, membership, list.

    Identifiers give their parts as well ("str.split" is str, split), since facts name calls.
    """
    out: list[str] = []
    for token in _WORD.findall(text.lower()):
        parts = [part for part in token.split("_") if part]
        out += (stem(part) for part in parts if part not in _STOP)
    return out


def valid(text: str) -> str:
    """The text with "?" for what UTF-8 can't say: half surrogates, of bytes that are no text."""
    return text.encode("utf-8", "replace").decode()


def stem(word: str) -> str:
    """The word without its commonest English endings; crude, but the same on both sides."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM:
            word = word[: -len(ending)]
            break
    if len(word) > _SHORTEST_STEM and (word[-1] in "eyi" or word[-1] == word[-2]):
        word = word[:-1]
    return word
