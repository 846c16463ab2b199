"""Places of functions after edits agree with a new reading wherever they are said to be certain."""

from __future__ import annotations

import ast
import random
from pathlib import Path

import pytest
from lsprotocol import types

from analysis.functions import functions_in
from analysis.text import LineIndex, same_ends
from server.lsp.documents import Document
from server.lsp.outline import splice_between

TEXT = """import os


@property
def first(x):
    return x


class Box:
    def second(self):
        def third():
            return 1

        return third


def fourth():
    return 4
"""


def document(text: str) -> Document:
    return Document("file:///a.py", Path("/a.py"), 1, text, "utf-32")


def edited(before: Document, start: int, end: int, new: str) -> Document:
    lines = LineIndex(before.text)
    edges = [lines.position(at, "utf-32") for at in (start, end)]
    first, last = (types.Position(p.line, p.character) for p in edges)
    change = types.TextDocumentContentChangePartial(range=types.Range(first, last), text=new)
    return before.after(before.version + 1, [change])


def test_untouched_functions_are_where_a_new_reading_finds_them():
    checked = 0
    for seed in range(500):
        chance = random.Random(seed)
        at = document(TEXT)
        at.read(["first"])
        for _ in range(chance.choice([1, 1, 2, 6])):
            start = chance.randrange(len(at.text) + 1)
            end = min(len(at.text), start + chance.choice([0, 0, 1, 5]))
            at = edited(at, start, end, chance.choice(["", "x", "\n", "# c\n", "    y = 1\n"]))
        checked += agrees_with_a_new_reading(at)
    assert checked > 200


def agrees_with_a_new_reading(at: Document) -> int:
    """How many functions were certain."""
    try:
        ast.parse(at.text)
    except SyntaxError:
        return 0  # what a function is in a broken file, nobody can say
    found = {f.qualname: f for f in functions_in(at.text, "/a.py")}
    certain = 0
    for name in ("first", "Box.second", "Box.second.<locals>.third", "fourth"):
        span = at.spans.get(name)
        assert span is not None
        if not span.touched and name in found:
            f = found[name]
            assert at.text[span.start : span.end] == at.text[f.start : f.end]
            assert at.text[slice(*span.name)] == f.name
            certain += 1
    return certain


def test_a_decorator_or_a_longer_body_touches_a_function():
    before = document(TEXT)
    before.read()
    decorated = edited(before, TEXT.index("def fourth"), TEXT.index("def fourth"), "@cache\n")
    longer = edited(before, len(TEXT) - 1, len(TEXT) - 1, " + 1")
    for after in (decorated, longer):
        span = after.spans.get("fourth")
        assert span is not None
        assert span.touched
        assert not after.spans.get("first").touched  # type: ignore[union-attr]


def test_head_at_finds_the_innermost_head():
    at = document(TEXT)
    at.read()
    for name, word in (("first", "@prop"), ("Box.second", "def second"), ("fourth", "fourth")):
        assert at.spans.head_at(TEXT.index(word)) == name
    assert at.spans.head_at(TEXT.index("third()")) == "Box.second.<locals>.third"
    assert at.spans.head_at(TEXT.index("return x")) is None


def test_head_at_after_edits_elsewhere_and_at_the_head():
    before = document(TEXT)
    before.read()
    after = edited(before, 0, 0, "# a line\n")
    assert after.spans.head_at(after.text.index("fourth")) == "fourth"
    renamed = edited(after, after.text.index("fourth"), after.text.index("fourth"), "x")
    assert renamed.spans.head_at(renamed.text.index("xfourth")) is None


def test_a_whole_new_text_is_one_edit():
    before = document(TEXT)
    before.read()
    change = types.TextDocumentContentChangeWholeDocument(TEXT.replace("return x", "return -x"))
    after = before.after(2, [change])
    assert after.spans.get("first").touched  # type: ignore[union-attr]
    assert not after.spans.get("fourth").touched  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("a", "b", "ends"),
    [("", "", (0, 0)), ("abc", "abc", (3, 0)), ("aa", "aaa", (2, 0)), ("axb", "ayb", (1, 1))],
)
def test_same_ends_do_not_overlap(a: str, b: str, ends: tuple[int, int]):
    assert same_ends(a, b) == ends
    splice = splice_between(a, b)
    new = b[splice.start : splice.start + splice.length]
    assert a[: splice.start] + new + a[splice.end :] == b


@pytest.mark.parametrize(
    ("at", "new"),
    [
        ("\n    def second", "\n    @cache"),
        ("    def second", "    @cache\n"),
        ("\n\ndef fourth", "\n    more = 1"),
        ("def fourth", "    "),
    ],
)
def test_what_is_put_beside_a_function_can_make_it_another(at: str, new: str):
    before = document(TEXT)
    before.read()
    place = TEXT.index(at)
    after = edited(before, place, place, new)
    span = after.spans.get("Box.second")
    assert span is not None
    assert span.touched
