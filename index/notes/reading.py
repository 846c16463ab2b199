"""A file to its passages: which kind of note it is, and the reader of that kind."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import PurePath
from typing import Literal

from index.notes.chunking import passages_of
from index.notes.heads import SUFFIXES, read_head
from index.notes.html import read_html
from index.notes.markdown import read_markdown
from index.notes.parts import Part, sections_of
from index.notes.pdf import read_pdf
from index.notes.plain import read_plain
from index.notes.text import decode

Kind = Literal["markdown", "html", "pdf", "plain", "source"]

MOST_PASSAGES = 4000
"""Of one note: a book of some 1500 pages."""

NO_HEAD = "it has no docstring or comment at its top"

_MB = 1 << 20
_MOST_MB: dict[Kind, int] = {"markdown": 4, "html": 8, "pdf": 64, "plain": 8, "source": 4}
_KINDS: dict[str, Kind] = {
    **dict.fromkeys((".md", ".markdown", ".mdown", ".mkd", ".mdx"), "markdown"),
    **dict.fromkeys((".html", ".htm", ".xhtml"), "html"),
    ".pdf": "pdf",
    **dict.fromkeys((".txt", ".text", ".rst"), "plain"),
    **dict.fromkeys(SUFFIXES, "source"),
}
_PLAIN = frozenset(("readme", "notes", "news", "changes", "changelog", "hacking", "install"))
_NO_NOTES = re.compile(
    r"(un)?licen[cs]e.*|copying.*|notice(\.txt)?|cmakelists\.txt|robots\.txt"
    r"|(.*-)?requirements.*\.txt|constraints.*\.txt|top_level\.txt|sources\.txt"
)


@dataclass(frozen=True)
class Reading:
    """What is kept of a note: (section, text, line or page) in order; what is missing, or ""."""

    passages: tuple[tuple[str, str, int], ...]
    missing: str


def kind_of(name: str) -> Kind | None:
    """The kind of note that a file of a folder is, by its name; None for what is no note."""
    path = PurePath(name.casefold())
    if path.suffix not in SUFFIXES and _NO_NOTES.fullmatch(path.name):
        return None
    if not path.suffix and path.name in _PLAIN:
        return "plain"
    return _KINDS.get(path.suffix)


def kind_by_content(head: bytes) -> Kind:
    """The kind of a note whose name does not tell it, by its first bytes."""
    if head.startswith(b"%PDF-"):
        return "pdf"
    start = head.lstrip()[:15].lower()
    return "html" if start.startswith((b"<!doctype html", b"<html")) else "plain"


def most_bytes(kind: Kind | None) -> int:
    """The size of the largest file of a kind that is read."""
    return _MOST_MB[kind or "plain"] * _MB


def read_note(
    name: str, kind: Kind, data: bytes, tick: Callable[[], None] = lambda: None
) -> Reading:
    """The passages of a file. `tick` is called while it takes long and may raise.

    Raises NoteUnreadable, with the reason for people.
    """
    missing = ""
    parts: Iterable[Part]
    if kind == "pdf":
        parts, missing = read_pdf(data, tick)
    elif kind == "html":
        parts = read_html(decode(data))
    elif kind == "markdown":
        parts = read_markdown(decode(data))
    elif kind == "source":
        parts = read_head(decode(data), PurePath(name.casefold()).suffix)
    else:
        parts = read_plain(decode(data))
    passages = tuple(itertools.islice(passages_of(sections_of(parts)), MOST_PASSAGES + 1))
    if len(passages) > MOST_PASSAGES:
        passages = passages[:MOST_PASSAGES]
        missing = f"{missing}; " * bool(missing) + f"only its first {MOST_PASSAGES} passages"
    if not passages:
        missing = "it has no text" if kind != "source" else NO_HEAD
    return Reading(passages, missing)
