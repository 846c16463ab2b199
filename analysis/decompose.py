"""Takes a rewritten function apart into atomic edits, by comparing statements.

Both texts are cut into units that are aligned with each other (see analysis.units). What differs
are hunks; hunks of which one needs what the other binds are one idea, and so one group. Imports and
module constants go with the first group that needs them, what changes only comments or formatting
goes last. Groups are merged until the text after each of them parses and uses no undefined name.
Since the units partition the texts, all groups together give exactly the second text.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from tree_sitter import Node

from analysis.functions import function_named, parse
from analysis.gate import MAX_DEPTH, definition_node, new_problem
from analysis.languages import dialect_of
from analysis.names import is_name, names_in
from analysis.syntax import Tree, depth, normal_form, walk, walk_with_parents
from analysis.text import TextChange, changes_between
from analysis.units import Slot, slots_between

MAX_GROUPS = 12


def decompose(
    before: str, after: str, qualname: str, path: str = "<candidate>"
) -> tuple[tuple[TextChange, ...], ...]:
    """Ordered groups of changes that turn `before` into `after`, one idea each.

    The changes of a group refer to the text after the group before it. At most MAX_GROUPS groups;
    an edit that can't be taken apart is one group, no difference is none.
    """
    if before == after:
        return ()
    dialect = dialect_of(path)
    if dialect is not None:
        return dialect.decompose(before, after, qualname, path)
    slots = slots_between(before, after, qualname)
    if slots is None:
        return (changes_between(before, after),)
    _group(slots)
    _merge_until_sound(slots, before, qualname, path)
    return tuple(_changes(slots, group) for group in _group_numbers(slots))


def normalised_key(text: str, qualname: str, path: str = "<candidate>") -> str:
    """A hash that is the same for candidates that differ only in comments, docstrings, formatting
    and (in Python) the names of local variables.
    """
    dialect = dialect_of(path)
    if dialect is not None:
        return dialect.normalised_key(text, qualname, path)
    tree = parse(text)
    node = definition_node(tree, text, qualname)
    if node is None or depth(node) > MAX_DEPTH:
        return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
    outside = sorted(
        tree.source(n).strip()
        for n in tree.root.named_children
        if n.type != "comment" and not n.start_byte <= node.start_byte < n.end_byte
    )
    form = normal_form(tree, node, _renamed_locals(tree, node))
    return hashlib.sha256("\x1e".join([form, *outside]).encode("utf-8", "replace")).hexdigest()


def edit_key(before: str, after: str, qualname: str, path: str = "<candidate>") -> str:
    """A hash of what an edit makes of a function, whatever else the file holds.

    As `normalised_key` of the text after it, but of the rest of the file only what the edit adds.
    """
    if dialect_of(path) is not None:
        return normalised_key(after, qualname, path)
    old, new = parse(before), parse(after)
    node = definition_node(new, after, qualname)
    if node is None or depth(node) > MAX_DEPTH:
        return hashlib.sha256(after.encode("utf-8", "replace")).hexdigest()
    known = {old.source(n).strip() for n in old.root.named_children}
    added = sorted(
        text
        for n in new.root.named_children
        if not n.start_byte <= node.start_byte < n.end_byte and n.type != "comment"
        if (text := new.source(n).strip()) not in known
    )
    form = normal_form(new, node, _renamed_locals(new, node))
    return hashlib.sha256("\x1e".join([form, *added]).encode("utf-8", "replace")).hexdigest()


def _group(slots: list[Slot]) -> None:
    inside = [s for s in slots if s.syntax and s.inside]
    for n, slot in enumerate(inside):
        slot.group = n
    for n, first in enumerate(inside):
        for second in inside[n + 1 :]:
            if first.lone & second.lone or _needs(first, second) or _needs(second, first):
                _relabel(slots, second.group, first.group)
    # Bottom up: a constant may need an import that stands above it.
    for slot in reversed([s for s in slots if s.syntax and not s.inside]):
        users = [
            s.group
            for s in slots
            if s.group is not None and s.new.read & (slot.new.bound | slot.old.bound)
        ]
        slot.group = min(users, default=_last(slots))
    _group_the_rest(slots)
    for surplus in _group_numbers(slots)[MAX_GROUPS:]:
        _relabel(slots, surplus, _group_numbers(slots)[MAX_GROUPS - 1])


def _needs(binder: Slot, user: Slot) -> bool:
    """Whether `user` makes sense only together with `binder`, which binds names.

    So it is for a name that comes new or is given up. A name that is bound before and after may
    hold something else now: that shows where it is used in another way (``.add`` for ``.append``).
    """
    if (binder.new.bound - binder.old.bound) & user.new.all:
        return True
    if (binder.old.bound - binder.new.bound) & user.old.all:
        return True
    kept = binder.old.bound & binder.new.bound
    return any(name in kept for name, _ in user.old.uses ^ user.new.uses)


def _group_the_rest(slots: list[Slot]) -> None:
    """Comments and blank lines go with the change that they stand next to, else last."""
    last = _last(slots) + 1
    rest = [n for n, s in enumerate(slots) if not s.syntax and s.before != s.after]
    for n in [*rest, *reversed(rest)]:
        near = [slots[m].group for m in (n + 1, n - 1) if 0 <= m < len(slots)]
        if slots[n].group is None:
            slots[n].group = next((g for g in near if g is not None), None)
    for n in rest:
        if slots[n].group is None:
            slots[n].group = last


def _relabel(slots: list[Slot], old: int | None, new: int | None) -> None:
    if old == new or old is None or new is None:
        return
    low, high = min(old, new), max(old, new)
    for slot in slots:
        if slot.group == high:
            slot.group = low


def _last(slots: Sequence[Slot]) -> int:
    return max((s.group for s in slots if s.group is not None), default=0)


def _group_numbers(slots: Sequence[Slot]) -> list[int]:
    return sorted({s.group for s in slots if s.group is not None})


def _limit(slots: list[Slot]) -> None:
    for surplus in _group_numbers(slots)[MAX_GROUPS:]:
        _relabel(slots, surplus, _group_numbers(slots)[MAX_GROUPS - 1])


def _merge_until_sound(slots: list[Slot], before: str, qualname: str, path: str) -> None:
    """Merge each group with the next one until the text after it is sound."""
    numbers = _group_numbers(slots)
    while len(numbers) > 1:
        group = numbers.pop(0)
        text = _text(slots, group)
        while numbers and not _is_sound(text, before, qualname, path):
            _relabel(slots, numbers.pop(0), group)
            text = _text(slots, group)


def _is_sound(text: str, before: str, qualname: str, path: str) -> bool:
    tree = parse(text)
    if tree.root.has_error and not parse(before).root.has_error:
        return False
    if function_named(text, path, qualname) is None:
        return False
    return new_problem(before, text, qualname, path) is None


def _text(slots: Sequence[Slot], upto: int) -> str:
    return "".join(s.after if s.group is not None and s.group <= upto else s.before for s in slots)


def _changes(slots: Sequence[Slot], group: int) -> tuple[TextChange, ...]:
    changes: list[TextChange] = []
    at = 0
    for slot in slots:
        done = slot.group is not None and slot.group < group
        size = len(slot.after if done else slot.before)
        if slot.group == group and slot.before != slot.after:
            changes += [
                TextChange(at + c.start, at + c.end, c.new_text)
                for c in changes_between(slot.before, slot.after)
            ]
        at += size
    return tuple(_joined(changes))


def _joined(changes: Sequence[TextChange]) -> list[TextChange]:
    """Changes that touch become one, so that insertions at one place keep their order."""
    out: list[TextChange] = []
    for change in changes:
        if out and out[-1].end == change.start:
            last = out.pop()
            out.append(TextChange(last.start, change.end, last.new_text + change.new_text))
        else:
            out.append(change)
    return out


_OPAQUE = ("function_definition", "class_definition", "lambda", "global_statement")
_OPAQUE_CALLS = ("locals", "eval", "exec", "vars", "dir")


def _renamed_locals(tree: Tree, node: Node) -> dict[int, str]:
    """New texts for local variables by order of appearance; none where scopes are not simple."""
    definition = node.child_by_field_name("definition") or node
    body = definition.child_by_field_name("body")
    parameters = definition.child_by_field_name("parameters")
    if body is None:
        return {}
    for at in walk(body):
        if at.type in (*_OPAQUE, "nonlocal_statement") or (
            at.type == "identifier" and tree.source(at) in _OPAQUE_CALLS
        ):
            return {}
    given = names_in(tree, [parameters]).all if parameters else frozenset()
    mine = {n for n in names_in(tree, [body]).bound if "." not in n} - given
    order: dict[str, str] = {}
    renamed: dict[int, str] = {}
    for at, parent in walk_with_parents(body):
        if at.type == "identifier" and is_name(at, parent) and (name := tree.source(at)) in mine:
            renamed[at.id] = order.setdefault(name, f"\x1d{len(order)}")
    return renamed
