"""Sections cut into passages of about 120 to 220 words, at the ends of paragraphs where possible.

No passage spans two sections. A block of code stays whole up to twice that size. What a passage
says is what the section says, character for character; only the blocks are put together.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from index.notes.parts import Block, Section

LEAST, MOST = 120, 220
"""Words of a passage; a section that is shorter is a passage, too."""

_ALONE = 60  # words: less is put to what stands before it, even where that makes it too long
_OVERFULL = MOST + _ALONE
_MOST_CODE = 2 * MOST
_CHARACTERS = 8  # of a word at most: text without spaces, as in Chinese or in data, has words, too
_PROSE = (
    re.compile(r"(?<=[.!?])[\"')\]]*\s+|(?<=[。！？])"),
    re.compile(r"\n+"),
    re.compile(r"\s+"),
)
_CODE = (re.compile(r"\n\s*\n"), re.compile(r"\n"))
Place = tuple[int, int]


@dataclass(frozen=True)
class _Piece:
    """A block or a part of one; `glue` is what stands between it and the piece before."""

    text: str
    line: int
    glue: str
    words: int
    code: bool


def words_in(text: str) -> int:
    """How many words a text has."""
    return max(len(text.split()), len(text) // _CHARACTERS)


def passages_of(sections: Iterable[Section]) -> Iterator[tuple[str, str, int]]:
    """The passages of a note as the memory keeps them: (section, text, line or page)."""
    for section in sections:
        for chunk in _chunks(section.blocks):
            text = chunk[0].text + "".join(piece.glue + piece.text for piece in chunk[1:])
            yield section.title, text, chunk[0].line


def _chunks(blocks: Iterable[Block]) -> list[list[_Piece]]:
    chunks: list[list[_Piece]] = []
    words = 0
    for piece in (piece for block in blocks for piece in _pieces(block)):
        if chunks and _goes_on(chunks[-1], words, piece):
            chunks[-1].append(piece)
            words += piece.words
        else:
            chunks.append([piece])
            words = piece.words
    if len(chunks) > 1 and words < _ALONE:
        before = sum(piece.words for piece in chunks[-2])
        if before + words <= _OVERFULL:
            last = chunks.pop()
            chunks[-1] += last
    return chunks


def _goes_on(chunk: list[_Piece], words: int, piece: _Piece) -> bool:
    """Whether a piece belongs to the passage before it."""
    if words + piece.words <= MOST:
        # A list's items and the parts of a long paragraph were made of one thing.
        return words < LEAST or piece.words < _ALONE or "\n\n" not in piece.glue
    # What is short is no passage of its own: as a rule, it says what the code below it is.
    return words < _ALONE and (piece.code or words + piece.words <= _OVERFULL)


def _pieces(block: Block) -> Iterator[_Piece]:
    text, line = block.text, block.line
    most, breaks = (_MOST_CODE, _CODE) if block.code else (MOST, _PROSE)
    glue = "\n" if block.tight else "\n\n"
    counted = 0
    for start, end in _places(text, (0, len(text)), most, breaks):
        piece = text[start:end]
        bare = piece.strip("\n") if block.code else piece.strip()
        if not bare.strip():
            continue
        first = start + len(piece) - len(piece.lstrip("\n" if block.code else None))
        if block.by_lines:
            line += text.count("\n", counted, first)
            counted = first
        yield _Piece(bare, line, glue, words_in(bare), block.code)
        behind = text[first + len(bare) : end]
        glue = behind if behind and not behind.strip() else ""


def _places(
    text: str, place: Place, most: int, breaks: tuple[re.Pattern[str], ...]
) -> Iterator[Place]:
    """Where the pieces of at most `most` words are: cut as seldom and as evenly as possible.

    They are cut at the first of `breaks`, at the next ones only inside of what is too long, and
    between any two characters where there is none.
    """
    start, end = place
    if words_in(text[start:end]) <= most:
        yield place
        return
    if not breaks:
        step = most * _CHARACTERS
        yield from ((at, min(at + step, end)) for at in range(start, end, step))
        return
    cuts = [match.end() for match in breaks[0].finditer(text, start, end)]
    bounds = [start, *(cut for cut in cuts if start < cut < end), end]
    small = (
        inner
        for part in itertools.pairwise(bounds)
        for inner in _places(text, part, most, breaks[1:])
    )
    yield from _grouped(text, small, most, words_in(text[start:end]))


def _grouped(text: str, places: Iterable[Place], most: int, words: int) -> Iterator[Place]:
    """Neighbours put together, each group nearly as large as the others."""
    target = words / math.ceil(words / most)
    first, last, size = -1, -1, 0
    for start, end in places:
        more = words_in(text[start:end])
        if size and (size >= target or size + more > most):
            yield first, last
            size = 0
        if not size:
            first = start
        last, size = end, size + more
    if last >= 0:
        yield first, last
