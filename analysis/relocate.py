"""Carries a proved edit over to a text that changed elsewhere since the proof.

The edit was proved for `before`. When other places of the file changed, its changes are moved
along, but only where that is certain: the function has the fingerprint that was proved, and no
line that the edit touches was touched by anybody else.
"""

from __future__ import annotations

from collections.abc import Sequence

from analysis.functions import function_named
from analysis.text import Replacement, TextChange, apply_changes, changes_between, to_changes


def relocate(
    before: str, now: str, path: str, qualname: str, replacements: Sequence[Replacement]
) -> tuple[TextChange, ...] | None:
    """The changes to apply to `now`, or None when the function or the places changed meanwhile."""
    changes = to_changes(before, replacements)
    if before == now:
        return changes
    old, new = function_named(before, path, qualname), function_named(now, path, qualname)
    if old is None or new is None or old.fingerprint != new.fingerprint:
        return None
    kept = carry(before, now, changes)
    if kept is None or function_named(apply_changes(now, kept), path, qualname) is None:
        return None
    return kept


def carry(before: str, now: str, changes: Sequence[TextChange]) -> tuple[TextChange, ...] | None:
    """`changes`, which refer to `before`, as they are for `now`; None where they clash."""
    others = changes_between(before, now)
    moved = [_moved(change, others) for change in changes]
    if None in moved:
        return None
    return tuple(change for change in moved if isinstance(change, TextChange))


def _moved(change: TextChange, others: Sequence[TextChange]) -> TextChange | bool | None:
    """The change where it belongs now; False if it is there already, None if it clashes."""
    shift = 0
    for other in others:
        if other.start > change.end:
            break
        inserts_here = other.start == other.end == change.start == change.end
        if inserts_here and change.new_text.strip() in other.new_text:
            return False  # an import that another edit brought
        if other.end <= change.start:
            shift += len(other.new_text) - (other.end - other.start)
        elif other.start < change.end:
            return None
    return TextChange(change.start + shift, change.end + shift, change.new_text)
