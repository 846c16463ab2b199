"""Which names a piece of syntax binds and which it reads, by tree-sitter."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from tree_sitter import Node

from analysis.syntax import Tree, walk


@dataclass(frozen=True)
class Names:
    """Names bound and names read; ``self.total`` counts as one name beside ``self``.

    `uses` are the ways in which names are used that depend on what they hold: attributes,
    subscripts and iteration.
    """

    bound: frozenset[str]
    read: frozenset[str]
    uses: frozenset[tuple[str, str]] = frozenset()

    @property
    def all(self) -> frozenset[str]:
        """Both."""
        return self.bound | self.read


# Fields whose identifiers are bound by the node.
_TARGETS = {
    "assignment": "left",
    "for_statement": "left",
    "for_in_clause": "left",
    "named_expression": "name",
    "function_definition": "name",
    "class_definition": "name",
}
_PARAMETERS = ("parameters", "lambda_parameters")
_IMPORTS = ("import_statement", "import_from_statement", "future_import_statement")


def names_in(tree: Tree, nodes: Iterable[Node]) -> Names:
    """The names of several pieces of one tree."""
    bound: set[str] = set()
    read: set[str] = set()
    uses: set[tuple[str, str]] = set()
    for top in nodes:
        for found in occurrences(tree, top):
            node, parent = found.node, found.parent
            uses.add((found.name, _use(tree, node, parent)))
            (bound if found.is_bound else read).add(found.name)
            # Attributes that are counted up are not told from those that are set.
            is_counted = parent is not None and parent.type == "augmented_assignment"
            if is_counted and node.type == "identifier":
                read.add(found.name)
    return Names(frozenset(bound), frozenset(read), frozenset(u for u in uses if u[1]))


class Occurrence(NamedTuple):
    """A name at its node (of an import, one name of several), and whether it is bound there."""

    node: Node
    parent: Node | None
    name: str
    is_bound: bool


def occurrences(tree: Tree, top: Node) -> Iterator[Occurrence]:
    """The names of a piece in document order, in time that grows as the piece does."""
    targets = _target_ids(top)
    around = top.parent
    stack = [(top, around, around.parent if around is not None else None)]
    while stack:
        node, parent, grand = stack.pop()
        stack.extend((child, node, parent) for child in reversed(node.children))
        if node.type in _IMPORTS:
            for name in imported_names(tree, node):
                yield Occurrence(node, parent, name, True)
        elif node.type == "attribute":
            if name := _own_attribute(tree, node):
                yield Occurrence(node, parent, name, node.id in targets)
        elif node.type == "identifier" and is_name(node, parent, grand):
            yield Occurrence(node, parent, tree.source(node), node.id in targets)


def _own_attribute(tree: Tree, attribute: Node) -> str:
    """The text of ``self.total`` or ``cls.total``; "" of any other attribute."""
    owner = attribute.child_by_field_name("object")
    if owner is None or owner.type != "identifier":
        return ""
    dotted = tree.source(attribute)
    is_own = dotted.startswith(("self.", "cls.")) and dotted.count(".") == 1
    return dotted if is_own else ""


def _use(tree: Tree, node: Node, parent: Node | None) -> str:
    if parent is None:
        return ""
    if parent.type == "attribute":
        attribute = parent.child_by_field_name("attribute")
        return "." + (tree.source(attribute) if attribute else "")
    if parent.type == "subscript" and parent.child_by_field_name("value") == node:
        return "[]"
    if parent.type in ("for_statement", "for_in_clause"):
        return "for" if parent.child_by_field_name("right") == node else ""
    return ""


def is_name(node: Node, parent: Node | None, grand: Node | None = None) -> bool:
    """Whether an identifier is a variable: not an attribute, a keyword's name or an import.

    `grand` is the parent's parent where the caller knows it: tree-sitter searches for it from the
    root.
    """
    if parent is None:
        return True
    if parent.type == "attribute":
        return parent.child_by_field_name("attribute") != node
    if parent.type == "keyword_argument":
        return parent.child_by_field_name("name") != node
    if parent.type != "dotted_name":
        return True
    around = grand or parent.parent
    return around is not None and around.type.endswith("pattern")


def imported_names(tree: Tree, statement: Node) -> list[str]:
    """The names that an import statement binds (``import a.b`` binds ``a``)."""
    names = []
    for child in statement.children_by_field_name("name"):
        if child.type == "aliased_import":
            alias = child.child_by_field_name("alias")
            names.append(tree.source(alias) if alias else "")
        elif statement.type == "import_statement":
            names.append(tree.source(child).split(".")[0].strip())
        else:
            names.append(tree.source(child))
    return names


def imported_modules(tree: Tree, statement: Node) -> list[str]:
    """The modules that an import statement names; relative ones start with dots."""
    if statement.type == "future_import_statement":
        return ["__future__"]
    module = statement.child_by_field_name("module_name")
    if statement.type == "import_from_statement":
        return [tree.source(module)] if module else []
    modules = []
    for child in statement.children_by_field_name("name"):
        name = child.child_by_field_name("name") if child.type == "aliased_import" else child
        modules.append(tree.source(name) if name else "")
    return modules


def _target_ids(top: Node) -> set[int]:
    """The ids of the identifiers and attributes that are assigned to."""
    targets = _Targets()
    for node in walk(top):
        if node.type == "augmented_assignment":
            targets.add(node.child_by_field_name("left"))
        elif node.type in _TARGETS:
            targets.add(node.child_by_field_name(_TARGETS[node.type]))
        elif node.type in ("as_pattern_target", "delete_statement", "case_pattern"):
            targets.add(node)
        elif node.type in _PARAMETERS:
            for name in _parameters(node):
                targets.add(name)
    return targets.ids


class _Targets:
    """What is assigned to; patterns that lie in each other are walked through once."""

    def __init__(self) -> None:
        self.ids: set[int] = set()
        self._seen: set[int] = set()

    def add(self, target: Node | None) -> None:
        """Note the identifiers and attributes of a target, whatever it consists of."""
        stack = [target] if target is not None else []
        while stack:
            node = stack.pop()
            if node.id in self._seen:
                continue
            self._seen.add(node.id)
            if node.type in ("identifier", "attribute"):
                self.ids.add(node.id)
            elif node.type not in ("subscript", "call"):
                stack.extend(node.named_children)


def _parameters(parameters: Node) -> Iterator[Node]:
    for child in parameters.named_children:
        name = child.child_by_field_name("name") or child
        if name.type in ("identifier", "list_splat_pattern", "dictionary_splat_pattern"):
            yield name
        elif child.type == "typed_parameter" and child.named_children:
            yield child.named_children[0]
