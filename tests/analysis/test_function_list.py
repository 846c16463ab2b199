"""The functions of an edited text are those of the text, however they were found."""

from __future__ import annotations

import random

import pytest

from analysis import function_list
from analysis.function_list import FunctionList
from analysis.functions import functions_in

TEXT = '''\
import os


class A:
    @staticmethod
    def first(x):
        """One."""
        def inner(y):
            return y
        return inner(x)

    async def second(self, x=1):
        return x

    def noted(self):
        self.x = 1  # what stands here
        # and here

    # between

    def also(self):
        self.y = 2  # goes with it


def third(a):
    return "é" + a


def fourth():
    pass
'''
EDITS = [
    "x",
    "\n",
    "    y = 1\n",
    "def g(b): pass\n",
    "(",
    '"',
    "# hasten: ignore\n",
    "    ",
    "return",
]


def whole(text: str) -> list[object]:
    return [(f, f.source) for f in functions_in(text, "f.py")]


def test_an_edit_inside_one_function_reads_that_one(monkeypatch: pytest.MonkeyPatch) -> None:
    functions = FunctionList("f.py")
    functions.of(TEXT)
    text = TEXT.replace("return inner(x)", "def other(z):\n            return z\n        return 1")
    expected = whole(text)
    monkeypatch.setattr(function_list, "parse_file", None)  # not called
    assert [(f, f.source) for f in functions.of(text)] == expected


def test_comments_below_the_last_statement(monkeypatch: pytest.MonkeyPatch) -> None:
    functions = FunctionList("f.py")
    functions.of(TEXT)
    texts = [TEXT.replace(f"        self.{v}", f"        z = 3\n        self.{v}") for v in "xy"]
    expected = [whole(text) for text in texts]
    monkeypatch.setattr(function_list, "parse_file", None)  # not called
    for text, found in zip(texts, expected, strict=True):
        functions.of(TEXT)
        assert [(f, f.source) for f in functions.of(text)] == found


def test_random_edits() -> None:
    chance = random.Random(2)
    text, functions = TEXT, FunctionList("f.py")
    for _ in range(200):
        start = chance.randrange(len(text))
        end = start + chance.choice([0, 0, 1, 5])
        text = text[:start] + chance.choice([*EDITS, ""]) + text[end:]
        assert [(f, f.source) for f in functions.of(text)] == whole(text)
        if chance.random() < 0.7:
            text = TEXT
