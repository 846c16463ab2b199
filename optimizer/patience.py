"""What need not be tried: edits that can wait for a better text, and gains nobody would notice."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from analysis.text import TextChange
from optimizer.protocols import Candidate, Node

_LARGE = 1.3


def may_wait(candidate: Candidate, parent: Node) -> bool:
    """Whether a rule's edit is better tried on top of a sibling that was much faster.

    True where a rule's edit of the same text was accepted with a large gain and the two touch
    different lines: the catalogue finds this one again in the faster text, where it is cheaper to
    time and easier to see. What touches the same lines is an alternative and is tried now.
    """
    edit = candidate.edits[-1]
    if edit.origin != "rule":
        return False
    text = parent.candidate.source
    return any(
        child.evaluation.ok
        and (child.evaluation.step_ratio or 0.0) >= _LARGE
        and child.candidate.edits[-1].origin == "rule"
        and _apart(text, edit.changes, child.candidate.edits[-1].changes)
        for child in parent.children
    )


def _apart(text: str, a: Sequence[TextChange], b: Sequence[TextChange]) -> bool:
    """Whether no line is touched by both; insertions at one place do not count."""
    return not (_lines(text, a) & _lines(text, b))


def _lines(text: str, changes: Sequence[TextChange]) -> set[int]:
    found: set[int] = set()
    for change in changes:
        if change.end > change.start:
            first = text.count("\n", 0, change.start)
            found.update(range(first, first + text.count("\n", change.start, change.end - 1) + 1))
    return found


def unnoticed(share: float | None, least: float) -> Callable[[Node], bool]:
    """Whether what is left of a function, with its best candidate, is below `least` of the run.

    `share` is the function's worth in the run (0..1); where it is not known, nothing is.
    """

    def enough(best: Node) -> bool:
        return share is not None and share / math.exp(best.utility) < least

    return enough
