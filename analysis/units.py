"""Cuts two versions of a file into units of syntax and aligns them.

A unit is a simple statement or the head of a compound one, with its line ends; a comment on a line
of its own and blank lines are units too. Outside the function that is compared, a unit is a whole
top-level statement. The units of a text follow each other without gaps, so that whatever is done
unit by unit is exact to the character.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property

from tree_sitter import Node

from analysis.functions import parse
from analysis.gate import MAX_DEPTH, definition_node
from analysis.names import Names, names_in
from analysis.syntax import Tree, depth, normal_form

_ALIGN_AT_MOST = 30
_ALIKE = 0.5
_BLANK = -2
_SPACE = " \t\f\r\n"
_LINE_END = re.compile(r"[ \t\f]*(\r\n?|\n)?")
_NOTHING = Names(frozenset(), frozenset())


@dataclass(frozen=True)
class Unit:
    """A stretch of one text; `key` is its column and syntax (-1 and its text outside)."""

    text: str
    key: tuple[int, str]
    inside: bool
    tree: Tree
    heads: tuple[Node, ...] = ()

    @cached_property
    def names(self) -> Names:
        """What it binds and reads; looked for only where something differs."""
        return names_in(self.tree, self.heads)

    @property
    def is_comment(self) -> bool:
        """Whether nothing of it is code."""
        return not self.key[1].strip() or self.key[1].startswith("#")


@dataclass
class Slot:
    """A stretch of both texts that belong together.

    `syntax` says that more than comments and formatting differs. `lone` is set where statements of
    one text have no counterpart right here: the number of the place, and their syntax without the
    column, by which a statement is known that moved. `group` is the group of changes that the slot
    was put into, None where nothing differs.
    """

    before: str
    after: str
    old: Names
    new: Names
    inside: bool
    syntax: bool
    lone: frozenset[str | int] = frozenset()
    group: int | None = None


def slots_between(before: str, after: str, qualname: str) -> list[Slot] | None:
    """Both texts side by side; None when one has no such function or is too deep."""
    old, new = _units(before, qualname), _units(after, qualname)
    if old is None or new is None:
        return None
    matcher = SequenceMatcher(None, [u.key for u in old], [u.key for u in new], autojunk=False)
    slots: list[Slot] = []
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag == "equal":
            pairs = zip(old[i1:i2], new[j1:j2], strict=True)
            slots += [_slot([a], [b], syntax=False) for a, b in pairs]
        else:
            slots += _aligned(old[i1:i2], new[j1:j2], place=len(slots))
    return slots


def _aligned(old: list[Unit], new: list[Unit], place: int) -> list[Slot]:
    """Pairs of units that are alike, in order, and those without a partner alone.

    The best pairing is found by dynamic programming over the likeness of the texts.
    """
    if len(old) > _ALIGN_AT_MOST or len(new) > _ALIGN_AT_MOST:
        if len(old) != len(new) or not all(map(_likeness, old, new)):
            return [_slot(old, new, syntax=True)]
        return [_slot([a], [b], syntax=True) for a, b in zip(old, new, strict=True)]
    likeness = [[_likeness(a, b) for b in new] for a in old]
    best = [[0.0] * (len(new) + 1) for _ in range(len(old) + 1)]
    for i in reversed(range(len(old))):
        for j in reversed(range(len(new))):
            pair = likeness[i][j] + best[i + 1][j + 1] if likeness[i][j] else 0.0
            best[i][j] = max(pair, best[i + 1][j], best[i][j + 1])
    slots: list[Slot] = []
    i = j = 0
    while i < len(old) or j < len(new):
        alike = likeness[i][j] if i < len(old) and j < len(new) else 0.0
        if alike and best[i][j] == alike + best[i + 1][j + 1]:
            slots.append(_slot([old[i]], [new[j]], syntax=True))
            i, j = i + 1, j + 1
        elif i < len(old) and (j == len(new) or best[i][j] == best[i + 1][j]):
            slots.append(_slot([old[i]], [], syntax=True, place=place))
            i += 1
        else:
            slots.append(_slot([], [new[j]], syntax=True, place=place))
            j += 1
    lone = [slot for slot in slots if slot.lone]
    if all(slot.before for slot in lone) or all(slot.after for slot in lone):
        for slot in lone:  # nothing stands for anything else here
            slot.lone -= {place}
    return slots


def _likeness(a: Unit, b: Unit) -> float:
    """How much two units look like one statement before and after; 0 where not at all."""
    if a.key[0] != b.key[0] or a.inside != b.inside or a.is_comment != b.is_comment:
        return 0.0
    ratio = SequenceMatcher(
        None, a.text[:400].strip(), b.text[:400].strip(), autojunk=False
    ).ratio()
    if a.names.bound and a.names.bound == b.names.bound:
        ratio += 1.0
    return ratio if ratio >= _ALIKE else 0.0


def _slot(
    old: Sequence[Unit], new: Sequence[Unit], *, syntax: bool, place: int | None = None
) -> Slot:
    units = [*old, *new]
    code = [unit.key[1] for unit in units if unit.inside and not unit.is_comment]
    return Slot(
        before="".join(unit.text for unit in old),
        after="".join(unit.text for unit in new),
        old=_join(old) if syntax else _NOTHING,
        new=_join(new) if syntax else _NOTHING,
        inside=any(unit.inside for unit in units),
        syntax=syntax and not all(unit.is_comment for unit in units),
        lone=frozenset() if place is None else frozenset([place, *code]),
    )


def _join(units: Sequence[Unit]) -> Names:
    return Names(
        frozenset[str]().union(*(u.names.bound for u in units)),
        frozenset[str]().union(*(u.names.read for u in units)),
        frozenset[tuple[str, str]]().union(*(u.names.uses for u in units)),
    )


def _units(text: str, qualname: str) -> list[Unit] | None:
    tree = parse(text)
    hole = definition_node(tree, text, qualname)
    if hole is None or depth(hole) > MAX_DEPTH:
        return None
    starts: list[tuple[int, list[Node], bool]] = []  # a line's offset, what starts in it, inside
    for node, inside in _pieces(tree.root, hole):
        offset = tree.offset(node.start_byte)
        line_start = tree.lines.starts[tree.lines.line_of(offset)]
        if starts and (starts[-1][0] >= line_start or text[line_start:offset].strip(" \t\f")):
            starts[-1][1].append(node)  # behind a semicolon, a colon or code
        else:
            starts.append((line_start, [node], inside))
    bounds = [0, *(s[0] for s in starts[1:]), len(text)]
    units: list[Unit] = []
    for (_, nodes, inside), a, b in zip(starts, bounds, bounds[1:], strict=False):
        ended = _LINE_END.match(text, a + len(text[a:b].rstrip(_SPACE)), b)
        code_end = ended.end() if ended else b
        units.append(_unit(tree, text[a:code_end], nodes, inside))
        if blank := text[code_end:b]:
            units.append(Unit(blank, (_BLANK, blank), inside, tree))
    return units


def _pieces(root: Node, hole: Node) -> Iterator[tuple[Node, bool]]:
    """Where units may start: at all statements in the function, at top-level ones elsewhere."""
    stack = [(child, False) for child in reversed(root.children)]
    while stack:
        node, inside = stack.pop()
        inside = inside or node == hole
        if node.type != "block":
            yield node, inside
        if inside or (node.start_byte <= hole.start_byte and hole.end_byte <= node.end_byte):
            inner = node.child_by_field_name("definition") or node
            if inner.type == "block":
                below = inner.children
            else:
                below = [c for c in inner.children if _is_compound(c) or c.type == "comment"]
            stack += [(child, inside) for child in reversed(below)]


def _is_compound(node: Node) -> bool:
    return node.type == "block" or any(child.type == "block" for child in node.children)


def _unit(tree: Tree, text: str, nodes: list[Node], inside: bool) -> Unit:
    heads = tuple(head for node in nodes for head in _heads(node, inside))
    if not inside:
        return Unit(text, (-1, text.rstrip()), inside, tree, heads)
    code = [node for node in heads if node.type != "comment"]
    forms = [normal_form(tree, n) for n in code] or [tree.source(n) for n in heads]
    key = (nodes[0].start_point.column, "\x1e".join(forms))
    return Unit(text, key, inside, tree, heads)


def _heads(node: Node, inside: bool) -> list[Node]:
    """The node, or what of it is not cut into units of its own."""
    inner = node.child_by_field_name("definition") or node
    if not inside or not _is_compound(inner):
        return [node]
    parts = node.children if inner == node else [*node.children, *inner.children]
    return [c for c in parts if c != inner and not _is_compound(c) and c.type != "comment"]
