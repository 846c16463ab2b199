"""Whose a rule's place is, and in which order findings are told; the same for all languages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from analysis.functions import Function
from analysis.rules.base import Finding, Rewrite, Rule
from analysis.text import TextChange

Scored = tuple[float, int, Finding]
"""What orders findings: how much is hoped for, the offset of the place, the finding."""

_LONE_CR = re.compile(r"\r(?!\n)")
_SURROGATE = re.compile("[\ud800-\udfff]")


def parseable(text: str) -> str:
    """Text of the same length for tree-sitter: it knows no lone CR, and UTF-8 no surrogates."""
    return _SURROGATE.sub("\ufffd", _LONE_CR.sub("\n", text))


def newline_of(text: str) -> str:
    """How lines end in a text."""
    return "\r\n" if "\r\n" in text else "\n" if "\n" in text or "\r" not in text else "\r"


def families(functions: Sequence[Function]) -> Iterator[tuple[Function, list[Function]]]:
    """The functions that lie in no other one, in document order, each with all that it holds.

    The function itself is the first of these.
    """
    held: list[Function] = []
    for function in sorted(functions, key=lambda f: (f.start, -f.end)):
        if held and function.start >= held[0].end:
            yield held[0], held
            held = []
        held.append(function)
    if held:
        yield held[0], held


def is_open(functions: Sequence[Function], start: int, end: int, *, whole: bool) -> bool:
    """Whether a place is in the body of a function, and no function around it is ignored.

    Decorators, defaults and annotations are evaluated elsewhere and at other times. `whole` says
    that the place is the definition of a function.
    """
    around = [f for f in functions if f.start <= start and end <= f.end]
    if any(f.ignored for f in around):
        return False
    return all(f.body_start <= start or (whole and f.def_start == start) for f in around)


def owner(
    functions: Sequence[Function], start: int, end: int, only: str | None, reach: tuple[int, int]
) -> str | None:
    """The qualified name of the innermost function whose body holds the place and its edit."""
    around = [
        f
        for f in functions
        if f.start <= start and end <= f.end and f.def_start < reach[0] and reach[1] <= f.end
    ]
    if only is not None:
        return only if any(f.qualname == only for f in around) else None
    return max(around, key=lambda f: f.start).qualname if around else None


def score(rule: Rule, rewrite: Rewrite, depth: int) -> float:
    """How much is hoped for: by the rule's gain, the loops around, and how sure its types are."""
    return 3 * rule.gain + min(depth, 3) - (0 if rewrite.sure else 1.5)


def ranked(scored: Iterable[Scored]) -> tuple[Finding, ...]:
    """The findings, the likely largest gains first; of equal edits the first."""
    unique: dict[tuple[TextChange, ...], Finding] = {}
    for _, _, finding in sorted(scored, key=lambda s: (-s[0], s[1])):
        unique.setdefault(finding.edit.changes, finding)
    return tuple(unique.values())
