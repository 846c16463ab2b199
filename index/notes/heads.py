"""What a source file says about itself at its top: its module's docstring, or its comments."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from index.notes.parts import Part
from index.notes.plain import read_plain
from index.notes.text import lines_of

_MOST_HEAD = 65_536  # characters
_DOCSTRING = re.compile(r"[rRuU]?(\"\"\"|'''|\"|')(.*?)(?<!\\)\1", re.DOTALL)
_LICENCE = re.compile(
    r"copyright|©|\(c\)|licen[cs]e|all rights reserved|spdx-|provided .{0,3}as is|merchantability"
    r"|permission is (hereby )?granted|express or implied|redistributions? |free software",
    re.IGNORECASE,
)
_FOR_TOOLS = re.compile(
    r"!/|[ \t]*(-\*-|vim?:|ex:|(en)?coding[:=]|eslint|prettier|ts-|@ts-|@flow|jshint|global )"
    r"|[ \t]*(pylint|mypy|ruff|flake8|isort|noqa|type|clang-format|NOLINT)\b"
)


@dataclass(frozen=True)
class _Marks:
    """How comments are written: what begins one to the end of the line, and whether "/*" does."""

    line: str
    stars: bool = False


_SLASHES, _HASH, _DASHES = _Marks("//", stars=True), _Marks("#"), _Marks("--")
_SUFFIXES = {
    _SLASHES: ".c .cc .cpp .cs .cu .cuh .cxx .d .dart .go .h .hh .hpp .hxx .java .js .jsx .kt .mjs "
    ".rs .scala .swift .ts .tsx .zig",
    _HASH: ".jl .nim .pl .py .pyi .pyx .r .rb .sh",
    _DASHES: ".hs .lua .sql",
}
_MARKS = {suffix: marks for marks, suffixes in _SUFFIXES.items() for suffix in suffixes.split()}
SUFFIXES = frozenset(_MARKS)
"""Of the source files whose tops are read."""


def read_head(text: str, suffix: str) -> Iterator[Part]:
    """The docstring, else the comments above the code of a source file; licences are left out.

    Nothing is parsed as code: only strings and comments at the very top are looked for.
    """
    lines = lines_of(text[:_MOST_HEAD])
    comments = list(_comments(lines, _MARKS[suffix]))
    said = _docstring(lines, len(comments)) if suffix.startswith(".py") else None
    # Each line stays where it stands in the file, so that its number does.
    return read_plain("\n".join(_without_licences(comments) if said is None else said))


def _comments(lines: Iterable[str], marks: _Marks) -> Iterator[str]:
    """The lines above the first one of code, each without its marks."""
    inside = False
    for line in lines:
        bare = line.strip()
        if inside:
            inside = "*/" not in bare
            yield _unstarred(bare)
        elif marks.stars and bare.startswith("/*"):
            inside = "*/" not in bare
            yield _unstarred(bare[2:])
        elif not bare:
            yield ""
        elif bare.startswith(marks.line):
            said = bare[len(marks.line) :].lstrip("/!#" if marks.stars else marks.line)
            yield "" if _FOR_TOOLS.match(bare[len(marks.line) :]) else said.removeprefix(" ")
        else:
            return


def _unstarred(bare: str) -> str:
    return bare.split("*/", 1)[0].lstrip("*!").removeprefix(" ")


def _without_licences(lines: list[str]) -> list[str]:
    """The lines with those paragraphs blank that only say who may use the file."""
    kept: list[str] = []
    paragraph: list[str] = []
    for line in [*lines, ""]:
        if line.strip():
            paragraph.append(line)
            continue
        legal = _LICENCE.search(" ".join(paragraph)) is not None
        kept += [""] * len(paragraph) if legal else paragraph
        kept.append("")
        paragraph.clear()
    return kept


def _docstring(lines: list[str], start: int) -> list[str] | None:
    """The lines of the string that stands where code begins, without their common indentation."""
    match = _DOCSTRING.match("\n".join(lines[start:]))
    if match is None:
        return None
    first, *others = match[2].split("\n")
    margin = min((len(o) - len(o.lstrip()) for o in others if o.strip()), default=0)
    return [*[""] * start, first.lstrip(), *(other[margin:] for other in others)]
