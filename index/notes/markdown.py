"""Markdown (CommonMark with tables): its headings, and its blocks as they are written."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from index.notes.html import read_html
from index.notes.parts import Block, Heading, NoteUnreadable, Part
from index.notes.text import lines_of

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_MOST_HEADING = 300
_MOST_FRONT_MATTER = 200
_TITLE = re.compile(r"title:\s*(.+)")
_CODE = ("fence", "code_block")
_TEXTS = ("paragraph_open", "blockquote_open", *_CODE)


def read_markdown(text: str) -> Iterator[Part]:
    """The headings and blocks of a Markdown text; its HTML as that of a page."""
    lines = lines_of(text)
    front, title = _front_matter(lines)
    if title:
        yield Heading(1, title, 1)
    lines[:front] = [""] * front
    tokens: list[Token] = []
    parser = _parser()
    # Blocks only: what stands inside of a paragraph is kept as it was written.
    try:
        parser.block.parse("\n".join(lines), parser, {}, tokens)
    except Exception as error:  # which others' text makes a parser raise is not ours to know
        raise NoteUnreadable(f"it can't be read: {type(error).__name__}") from error
    for at, token in enumerate(tokens):
        if token.map is None or token.nesting < 0:
            continue
        start, end = token.map
        written = "\n".join(lines[start:end]).rstrip()
        if token.type == "list_item_open" and token.level == 1:
            yield Block(written, start + 1, tight=not _is_first(tokens, at))
        elif token.level > 0:
            continue
        elif token.type == "heading_open":
            yield Heading(int(token.tag[1:]), _shown(parser, tokens[at + 1].content), start + 1)
        elif token.type == "html_block":
            yield from _html(written, start)
        elif token.type == "table_open":
            for row in range(start, start + len(written.split("\n"))):
                yield Block(lines[row], row + 1, tight=row > start)
        elif token.type in _TEXTS:
            yield Block(written, start + 1, code=token.type in _CODE)


@functools.cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt  # imported when a note needs it: most commands read none

    return MarkdownIt("commonmark").enable("table")


def _is_first(tokens: list[Token], at: int) -> bool:
    return tokens[at - 1].type in ("bullet_list_open", "ordered_list_open")


def _front_matter(lines: list[str]) -> tuple[int, str]:
    """How many lines the metadata at the top of a page take, and its title there."""
    if lines[0].rstrip() != "---":
        return 0, ""
    title = ""
    for number, line in enumerate(lines[1:_MOST_FRONT_MATTER], 2):
        if line.rstrip() in ("---", "..."):
            return number, title
        if match := _TITLE.match(line):
            title = match[1].strip().strip("\"'")
    return 0, ""


def _shown(parser: MarkdownIt, heading: str) -> str:
    """A heading's text as a reader sees it; one that is far too long as it was written."""
    if len(heading) > _MOST_HEADING:
        return heading
    (inline,) = parser.parseInline(heading)
    shown = (c.content if c.type in ("text", "code_inline") else " " for c in _seen(inline))
    return "".join(shown)


def _seen(inline: Token) -> Iterator[Token]:
    return (child for child in inline.children or () if not child.type.endswith(("open", "close")))


def _html(written: str, start: int) -> Iterator[Part]:
    for part in read_html(written):
        if isinstance(part, Heading):
            yield Heading(part.level, part.title, part.line + start)
        else:
            yield Block(part.text, part.line + start, part.code, part.tight, part.by_lines)
