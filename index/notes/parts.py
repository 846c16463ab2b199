"""What a reader of a format gives: headings and blocks of text, each with the place it stands."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

_MOST_TITLE = 200


class NoteUnreadable(Exception):
    """A file that can't be kept as a note; its text says why, for people."""


@dataclass(frozen=True)
class Heading:
    """A heading: 1 is the highest level. `line` counts from 1; it is the page of a PDF."""

    level: int
    title: str
    line: int


@dataclass(frozen=True)
class Block:
    """A paragraph, a list's item, a row of a table or a block of code.

    `line` counts from 1; it is the page of a PDF. `code` is kept whole where its size allows it.
    `tight` follows the block above without an empty line. `by_lines` says that each line of the
    text is a line of the file, so that the places inside of it are known, too.
    """

    text: str
    line: int
    code: bool = False
    tight: bool = False
    by_lines: bool = True


Part = Heading | Block


@dataclass(frozen=True)
class Section:
    """The blocks below a heading, up to the next one; `title` are the headings above them."""

    title: str
    blocks: tuple[Block, ...]


def title_of(text: str) -> str:
    """A heading's text on one line, cut where it is longer than any heading."""
    return " ".join(text.split())[:_MOST_TITLE].rstrip()


def sections_of(parts: Iterable[Part]) -> tuple[Section, ...]:
    """The sections of a note in order, without those that have no text of their own."""
    sections: list[Section] = []
    path: list[Heading] = []
    blocks: list[Block] = []

    def close() -> None:
        if blocks:
            sections.append(Section(" > ".join(h.title for h in path), tuple(blocks)))
            blocks.clear()

    for part in parts:
        if isinstance(part, Block):
            if part.text.strip():
                blocks.append(part)
            continue
        close()
        while path and path[-1].level >= part.level:
            path.pop()
        if title := title_of(part.title):
            path.append(Heading(part.level, title, part.line))
    close()
    return tuple(sections)
