"""Calls inside of loops whose operands do not change there, told in time that grows as code does.

Which names a call reads and which a loop binds is gathered from the leaves up, once, as sets that
are the bits of whole numbers: the sets of pieces that lie in each other would fill the memory.
"""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from analysis.names import occurrences
from analysis.syntax import Tree

LOOPS = ("for_statement", "while_statement")
COMPREHENSIONS = (
    "list_comprehension",
    "set_comprehension",
    "dictionary_comprehension",
    "generator_expression",
)
_OUTSIDE = -1


def is_loop(node: Node) -> bool:
    """Whether a node repeats what is below it: a loop or a comprehension."""
    return node.type in LOOPS or node.type in COMPREHENSIONS


def evaluated_once(node: Node) -> set[int]:
    """The ids of those children that stand outside of the loop: what it runs over."""
    once = {c.id for c in node.children_by_field_name("right")} if is_loop(node) else set()
    return once | {c.id for c in node.named_children if c.type == "for_in_clause"}


def has_invariant_call(tree: Tree, function: Node) -> bool:
    """Whether a call in a loop, whose result is used, has operands and none of them changes in it.

    The loop is the innermost one around the call.
    """
    pieces = _Pieces(function)
    loops = set(pieces.calls.values())
    if not loops:
        return False
    known: dict[str, int] = {}
    bound: dict[int, int] = {}
    named: dict[int, int] = {}
    for found in occurrences(tree, function):
        bit, node = 1 << known.setdefault(found.name, len(known)), found.node.id
        named[node] = named.get(node, 0) | bit
        if found.is_bound:
            bound[node] = bound.get(node, 0) | bit
    moving = {place: names for place, names in pieces.gathered(bound) if place in loops}
    return any(
        names and place in pieces.calls and not names & moving[pieces.calls[place]]
        for place, names in pieces.gathered(named)
    )


class _Pieces:
    """The named nodes of a function, each after the one above it, and its calls in loops.

    `calls` says of each call that counts, by its place among the nodes, which place its innermost
    loop has.
    """

    def __init__(self, function: Node) -> None:
        self._ids: list[int] = []
        self._parents: list[int] = []
        self.calls: dict[int, int] = {}
        stack: list[tuple[Node, Node | None, int, int]] = [
            (function, function.parent, _OUTSIDE, _OUTSIDE)
        ]
        while stack:
            node, parent, above, loop = stack.pop()
            place = len(self._ids)
            self._ids.append(node.id)
            self._parents.append(above)
            if loop != _OUTSIDE and node.type == "call" and _is_used(node, parent):
                self.calls[place] = loop
            inside, once = place if is_loop(node) else loop, evaluated_once(node)
            stack.extend(
                (child, node, place, loop if child.id in once else inside)
                for child in node.named_children
            )

    def gathered(self, own: dict[int, int]) -> Iterator[tuple[int, int]]:
        """Each place, the last first, with the bits of its node and of all below it.

        `own` are the bits of nodes alone, by their ids.
        """
        below: dict[int, int] = {}
        for place in range(len(self._ids) - 1, -1, -1):
            bits = below.pop(place, 0) | own.get(self._ids[place], 0)
            yield place, bits
            if bits:
                above = self._parents[place]
                below[above] = below.get(above, 0) | bits


def _is_used(call: Node, parent: Node | None) -> bool:
    arguments = call.child_by_field_name("arguments")
    used = parent is not None and parent.type != "expression_statement"
    return used and arguments is not None and bool(arguments.named_children)
