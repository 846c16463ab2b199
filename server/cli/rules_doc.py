"""A rule's docstring as a terminal shows it, whatever its width."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Sequence
from itertools import groupby

_GAP = re.compile(r"(?<=\S) {2,}(?=\S)")
_DEEP = 24
"""Spaces that no example indents by: what follows them is the right half."""


def doc_lines(doc: str, width: int) -> Iterator[str]:
    """The lines to print: a paragraph is one line, which the console wraps, code keeps its own.

    An example shows before and after side by side; where that is wider than the terminal, after
    comes below before.
    """
    lines = inspect.cleandoc(doc).split("\n")
    kinds = ["code" if line.startswith(" ") else "text" if line else "" for line in lines]
    for n in range(1, len(kinds) - 1):
        if not kinds[n] and kinds[n - 1] == "code" and "code" in kinds[n + 1 : n + 2]:
            kinds[n] = "code"  # an empty line within an example
    for kind, group in groupby(zip(kinds, lines, strict=True), key=lambda pair: pair[0]):
        own = [line for _, line in group]
        if kind == "text":
            yield " ".join(own)
        elif kind == "code" and max(map(len, own)) > width:
            yield from _one_below_the_other(own)
        else:
            yield from own


def _one_below_the_other(lines: Sequence[str]) -> list[str]:
    """Before and after of an example in two blocks; the same lines where it has two already."""
    starts = [_start_of_after(line) for line in lines]
    column = min((at for at in starts if at is not None), default=None)
    if column is None:
        return list(lines)
    before, after = [], []
    for line, at in zip(lines, starts, strict=True):
        before.append(line if at is None else line[:at].rstrip())
        after.append("" if at is None else " " * (4 + at - column) + line[at:])
    return [*_trimmed(before), "", *_trimmed(after)]


def _start_of_after(line: str) -> int | None:
    """Where the right half of a line begins: behind a gap, or behind nothing but spaces."""
    indent = len(line) - len(line.lstrip())
    if indent >= _DEEP:
        return indent
    gap = _GAP.search(line)
    return gap.end() if gap else None


def _trimmed(lines: list[str]) -> list[str]:
    while lines and not lines[-1]:
        lines = lines[:-1]
    return lines
