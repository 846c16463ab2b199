"""Plain text and reStructuredText: underlined headings, paragraphs, indented blocks."""

from __future__ import annotations

import re
from collections.abc import Iterator

from index.notes.parts import Block, Heading, Part
from index.notes.text import lines_of

_RULE = re.compile(r"([=\-`:.'\"~^_*+#<>])\1{2,}")
_INDENT = re.compile(r" {3,}|\t")
_MOST_HEADING = 200


def read_plain(text: str, first: int = 1) -> Iterator[Part]:
    """The headings and blocks of a text whose first line is the `first` one of its file.

    A heading is a line that is underlined, and perhaps overlined, with one sign; each sign is a
    level, in the order in which they appear (docutils). An indented block is code.
    """
    lines = [line.rstrip() for line in lines_of(text)]
    levels: dict[tuple[str, bool], int] = {}
    at = start = 0
    while at < len(lines):
        taken, style, title = _heading_at(lines, at)
        if taken:
            yield from _blocks(lines, start, at, first)
            yield Heading(levels.setdefault(style, len(levels) + 1), title, at + first)
            start = at + taken
        at += max(taken, 1)
    yield from _blocks(lines, start, len(lines), first)


def _heading_at(lines: list[str], at: int) -> tuple[int, tuple[str, bool], str]:
    """How many lines the heading takes that begins there, 0 for none; its style; its title."""
    none = 0, ("", False), ""
    if at and lines[at - 1]:
        return none
    three = [*lines[at : at + 3], "", "", ""][:3]
    over = three[0] == three[2] and _is_rule(three[0], three[1].strip())
    if over:
        return 3, (three[0][0], True), three[1]
    if three[0][:1].isspace() or _RULE.fullmatch(three[0]) or not _is_rule(three[1], three[0]):
        return none
    return 2, (three[1][0], False), three[0]


def _is_rule(line: str, title: str) -> bool:
    """Whether a line is the rule of a title: one sign, as long as the title or longer."""
    return (
        0 < len(title) <= _MOST_HEADING
        and len(line) >= min(len(title), 3)
        and len(line) >= len(title) - 2  # people count badly
        and _RULE.fullmatch(line) is not None
    )


def _blocks(lines: list[str], start: int, end: int, first: int) -> Iterator[Block]:
    """The paragraphs between two lines; indented ones that follow each other are one block."""
    begin: int | None = None
    was_code = False
    last = start
    for at in range(start, end):
        if not lines[at]:
            continue
        code = _INDENT.match(lines[at]) is not None
        if begin is not None and last < at - 1 and not (code and was_code):
            yield _block(lines[begin : last + 1], begin + first, was_code)
            begin = None
        if begin is None:
            begin, was_code = at, code
        last = at
    if begin is not None:
        yield _block(lines[begin : last + 1], begin + first, was_code)


def _block(lines: list[str], line: int, code: bool) -> Block:
    return Block("\n".join(lines), line, code=code)
