"""Positions in text as editors count them, and changes to text.

Lines end at ``\\n``, ``\\r\\n`` and ``\\r`` only (LSP 3.17, Text Documents). `str.splitlines` also
splits at form feeds and U+2028, which are legal inside Python source and shift every later edit.
"""

from __future__ import annotations

import io
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import accumulate, pairwise
from typing import Literal

Encoding = Literal["utf-8", "utf-16", "utf-32"]


@dataclass(frozen=True, order=True)
class Position:
    """A 0-based line and a 0-based offset in code units of the encoding in use."""

    line: int
    character: int


@dataclass(frozen=True)
class Range:
    """A half-open range of text."""

    start: Position
    end: Position

    def lowered(self, lines: int) -> Range:
        """The range so many lines further down."""
        start, end = self.start, self.end
        return Range(
            Position(start.line + lines, start.character), Position(end.line + lines, end.character)
        )


@dataclass(frozen=True)
class Replacement:
    """New text for a range; ranges are 0-based and UTF-16, as in LSP."""

    range: Range
    new_text: str


@dataclass(frozen=True)
class TextChange:
    """New text for the characters ``start`` to ``end`` (Python string offsets)."""

    start: int
    end: int
    new_text: str


def _units(text: str, encoding: Encoding) -> int:
    if encoding == "utf-32" or text.isascii():
        return len(text)
    if encoding == "utf-16":
        return len(text) + sum(1 for c in text if ord(c) > 0xFFFF)
    return len(text.encode("utf-8", "surrogatepass"))


class LineIndex:
    """Maps string offsets to editor positions and back; lines are split once."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.starts = _line_starts(text)

    def line_of(self, offset: int) -> int:
        """0-based line that holds the string offset."""
        return bisect_right(self.starts, offset) - 1

    def line_text(self, line: int) -> str:
        """The line without its end."""
        start = self.starts[line]
        end = self.starts[line + 1] if line + 1 < len(self.starts) else len(self.text)
        return self.text[start:end].rstrip("\r\n")

    def position(self, offset: int, encoding: Encoding = "utf-16") -> Position:
        """The editor's position of a string offset."""
        line = self.line_of(offset)
        return Position(line, _units(self.text[self.starts[line] : offset], encoding))

    def offset(self, position: Position, encoding: Encoding = "utf-16") -> int:
        """The string offset of a position; past the end of a line means its end (LSP 3.17)."""
        if position.line >= len(self.starts):
            return len(self.text)
        start = self.starts[position.line]
        line = self.line_text(position.line)
        if encoding == "utf-32" or line.isascii():
            return start + min(position.character, len(line))
        units = 0
        for i, char in enumerate(line):
            if units >= position.character:
                return start + i
            units += _units(char, encoding)
        return start + len(line)

    def range(self, start: int, end: int, encoding: Encoding = "utf-16") -> Range:
        """The editor's range of two string offsets."""
        return Range(self.position(start, encoding), self.position(end, encoding))


def _line_starts(text: str) -> list[int]:
    starts = [0, *accumulate(map(len, io.StringIO(text, newline="")))]
    if text and text[-1] not in "\r\n":
        starts.pop()  # the last line has no end
    return starts


def apply_changes(text: str, changes: Iterable[TextChange]) -> str:
    """Apply changes that all refer to `text`. Raises ValueError when two of them overlap."""
    out: list[str] = []
    at = 0
    for change in sorted(changes, key=lambda c: (c.start, c.end)):
        if change.start < at:
            raise ValueError(f"changes overlap at offset {change.start}")
        out += (text[at : change.start], change.new_text)
        at = change.end
    out.append(text[at:])
    return "".join(out)


def to_replacements(text: str, changes: Iterable[TextChange]) -> tuple[Replacement, ...]:
    """Changes by string offset as LSP replacements (UTF-16), in document order."""
    index = LineIndex(text)
    ordered = sorted(changes, key=lambda c: (c.start, c.end))
    return tuple(Replacement(index.range(c.start, c.end), c.new_text) for c in ordered)


def to_changes(text: str, replacements: Iterable[Replacement]) -> tuple[TextChange, ...]:
    """LSP replacements (UTF-16) as changes by string offset."""
    index = LineIndex(text)
    return tuple(
        TextChange(index.offset(r.range.start), index.offset(r.range.end), r.new_text)
        for r in replacements
    )


def apply_replacements(text: str, replacements: Sequence[Replacement]) -> str:
    """Apply LSP replacements (UTF-16) that all refer to `text`."""
    return apply_changes(text, to_changes(text, replacements))


def same_ends(a: str, b: str) -> tuple[int, int]:
    """How many characters two texts share at their start, and at their end beside that.

    Compares slices, so that it takes microseconds where a loop would take milliseconds.
    """
    shortest = min(len(a), len(b))
    low, high = 0, shortest
    while low < high:
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    head, shift = low, len(b) - len(a)
    low, high = 0, shortest - head
    while low < high:
        middle = (low + high + 1) // 2
        start, end = len(a) - middle, len(a) - low
        if a[start:end] == b[start + shift : end + shift]:
            low = middle
        else:
            high = middle - 1
    return head, low


def _lines(text: str) -> list[str]:
    """Lines with their ends."""
    bounds = [*_line_starts(text), len(text)]
    return [text[a:b] for a, b in pairwise(bounds) if b > a]


def changes_between(before: str, after: str) -> tuple[TextChange, ...]:
    """The changes, whole lines each, that turn `before` into `after`."""
    a, b = _lines(before), _lines(after)
    offsets = [0, *accumulate(len(line) for line in a)]
    # Equal lines around the difference are set aside first: matching takes quadratic time.
    head, shortest = 0, min(len(a), len(b))
    while head < shortest and a[head] == b[head]:
        head += 1
    tail = 0
    while tail < shortest - head and a[-1 - tail] == b[-1 - tail]:
        tail += 1
    old, new = a[head : len(a) - tail], b[head : len(b) - tail]
    return tuple(
        TextChange(offsets[head + i1], offsets[head + i2], "".join(new[j1:j2]))
        for tag, i1, i2, j1, j2 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
        if tag != "equal"
    )
