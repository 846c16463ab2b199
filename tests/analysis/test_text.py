from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.text import (
    LineIndex,
    Position,
    TextChange,
    apply_changes,
    apply_replacements,
    changes_between,
    to_changes,
    to_replacements,
)

# What editors and Python disagree about: line ends, form feeds, U+2028, characters beyond the BMP.
texts = st.lists(
    st.sampled_from(
        ["\n", "\r", "\r\n", "\x0c", "\t", "\u2028", "\x85", "a", "é", "😀", " ", "x = 1"]
    )
).map("".join)
encodings = st.sampled_from(["utf-8", "utf-16", "utf-32"])


def between_line_end(text: str, offset: int) -> bool:
    return text[offset - 1 : offset + 1] == "\r\n"


@given(texts, st.integers(0, 80), encodings)
def test_an_offset_comes_back_from_its_position(text, n, encoding):
    offset = min(n, len(text))
    index = LineIndex(text)
    if not between_line_end(text, offset):
        assert index.offset(index.position(offset, encoding), encoding) == offset


@given(texts, texts)
def test_changes_between_two_texts_turn_one_into_the_other(before, after):
    changes = changes_between(before, after)
    assert apply_changes(before, changes) == after
    assert (changes == ()) == (before == after)


@given(texts, texts)
def test_changes_survive_the_way_through_an_editor(before, after):
    changes = changes_between(before, after)
    replacements = to_replacements(before, changes)
    assert apply_replacements(before, replacements) == after
    assert to_changes(before, replacements) == changes


@given(texts)
def test_lines_are_those_of_the_protocol(text):
    index = LineIndex(text)
    assert len(index.starts) == 1 + text.replace("\r\n", "\n").replace("\r", "\n").count("\n")
    assert not any(c in index.line_text(n) for n in range(len(index.starts)) for c in "\r\n")


@pytest.mark.parametrize(
    ("text", "offset", "encoding", "position"),
    [
        ("a\n\x0c\nb", 4, "utf-16", Position(2, 0)),
        ("a\rb", 2, "utf-16", Position(1, 0)),
        ("a\r\nb", 3, "utf-16", Position(1, 0)),
        ("a\u2028b", 2, "utf-16", Position(0, 2)),
        ("😀x", 1, "utf-16", Position(0, 2)),
        ("😀x", 1, "utf-8", Position(0, 4)),
        ("😀x", 1, "utf-32", Position(0, 1)),
        ("éx", 1, "utf-8", Position(0, 2)),
        ("", 0, "utf-8", Position(0, 0)),
    ],
)
def test_positions(text, offset, encoding, position):
    assert LineIndex(text).position(offset, encoding) == position


@pytest.mark.parametrize(
    ("text", "position", "offset"),
    [
        ("abc", Position(0, 99), 3),
        ("ab\r\ncd", Position(0, 99), 2),
        ("ab\ncd", Position(9, 0), 5),
        ("😀\nx", Position(0, 99), 1),
    ],
)
def test_a_position_past_the_end_of_a_line_is_its_end(text, position, offset):
    assert LineIndex(text).offset(position) == offset


def test_overlapping_changes_are_refused():
    with pytest.raises(ValueError, match="overlap at offset 1"):
        apply_changes("abc", [TextChange(0, 2, "x"), TextChange(1, 3, "y")])


def test_insertions_at_one_place_keep_their_order():
    assert apply_changes("ab", [TextChange(1, 1, "1"), TextChange(1, 1, "2")]) == "a12b"


def test_only_what_differs_is_a_change():
    before = "".join(f"line {n}\n" for n in range(2000))
    after = before.replace("line 1000\n", "other\n")
    assert changes_between(before, after) == (
        TextChange(before.index("line 1000\n"), before.index("line 1001\n"), "other\n"),
    )
