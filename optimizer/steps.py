"""Sequences of edits, each made for the text after the previous one, and how to reorder them.

An edit can be left out, or stand alone, where it *commutes* with its neighbours: what one writes
the other does not touch. Then both orders give the same text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from analysis.edits import AtomicEdit
from analysis.text import TextChange, changes_between

Changes = tuple[TextChange, ...]


def texts(original: str, edits: Sequence[AtomicEdit]) -> list[str]:
    """The original and the text after each edit."""
    found = [original]
    for edit in edits:
        found.append(edit.apply(found[-1]))
    return found


def commute(first: Changes, second: Changes) -> tuple[Changes, Changes] | None:
    """(second', first') with the same result in the other order, or None where they touch.

    `second` refers to the text after `first`; the answers refer to each other in turn.
    """
    spans: list[tuple[int, int, TextChange]] = []
    shift = 0
    for change in sorted(first, key=lambda c: (c.start, c.end)):
        start = change.start + shift
        spans.append((start, start + len(change.new_text), change))
        shift += len(change.new_text) - (change.end - change.start)
    moved: list[TextChange] = []
    grown = [0] * len(spans)  # by how much each change of `first` moves when `second` goes first
    for change in sorted(second, key=lambda c: (c.start, c.end)):
        back = 0
        for n, (start, end, earlier) in enumerate(spans):
            if start == end == change.start == change.end:
                return None  # an insertion where something was deleted: either side could be meant
            if change.end <= start:
                grown[n] += len(change.new_text) - (change.end - change.start)
            elif change.start >= end:
                back += (end - start) - (earlier.end - earlier.start)
            else:
                return None
        moved.append(replace(change, start=change.start - back, end=change.end - back))
    late = tuple(
        replace(c, start=c.start + g, end=c.end + g)
        for (_, _, c), g in zip(spans, grown, strict=True)
    )
    return tuple(moved), late


def without(edits: Sequence[AtomicEdit], index: int) -> tuple[AtomicEdit, ...] | None:
    """The other edits as they are when one is left out, or None where a later one needs it."""
    gone = edits[index].changes
    kept = list(edits[:index])
    for edit in edits[index + 1 :]:
        swapped = commute(gone, edit.changes)
        if swapped is None:
            return None
        changes, gone = swapped
        kept.append(replace(edit, changes=changes))
    return tuple(kept)


def alone(edits: Sequence[AtomicEdit], first: int, last: int) -> tuple[AtomicEdit, ...] | None:
    """The edits `first` to `last` as they are for the original, or None where they need others."""
    before = list(edits[:first])
    moved: list[AtomicEdit] = []
    for edit in edits[first : last + 1]:
        changes = edit.changes
        for n in range(len(before) - 1, -1, -1):
            swapped = commute(before[n].changes, changes)
            if swapped is None:
                return None
            changes, later = swapped
            before[n] = replace(before[n], changes=later)
        moved.append(replace(edit, changes=changes))
    return tuple(moved)


def merged(before: str, edits: Sequence[AtomicEdit]) -> AtomicEdit:
    """Several edits in a row as one."""
    if len(edits) == 1:
        return edits[0]
    after = texts(before, edits)[-1]
    titles = list(dict.fromkeys(e.title for e in edits))
    descriptions = list(dict.fromkeys(e.description for e in edits))
    last = edits[-1]
    return AtomicEdit(
        ", ".join(titles), " ".join(descriptions), changes_between(before, after),
        "model" if any(e.origin == "model" for e in edits) else "rule", last.source,
    )  # fmt: skip
