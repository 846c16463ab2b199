"""What an edit changes outside of its function: it may add some things there, and change none."""

from __future__ import annotations

from collections.abc import Callable
from difflib import SequenceMatcher

from tree_sitter import Node

from analysis.languages.common import short

Pieces = list[tuple[str, "Node | None"]]
"""A file outside of a function, in order: tokens of each part and its node; None: the function."""


def outside_difference(
    before: Pieces, after: Pieces, problem: Callable[[Node | None], str | None]
) -> str | None:
    """Why the change is refused, or None; `problem` says why a part must not be added."""
    matcher = SequenceMatcher(None, [p[0] for p in before], [p[0] for p in after], autojunk=False)
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag == "equal":
            continue
        if i2 > i1:
            return f"it changes code outside the function: {short(before[i1][0])}"
        for _, node in after[j1:j2]:
            reason = problem(node)
            if reason:
                return reason
    return None
