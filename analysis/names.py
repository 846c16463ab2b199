"""Which names a piece of syntax binds and which it reads, by tree-sitter."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tree_sitter import Node

from analysis.syntax import Tree, walk, walk_with_parents


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
        targets = _target_ids(top)
        for node, parent in walk_with_parents(top):
            if node.type in _IMPORTS:
                bound.update(imported_names(tree, node))
            elif node.type == "attribute":
                dotted = tree.source(node)
                if dotted.startswith(("self.", "cls.")) and dotted.count(".") == 1:
                    (bound if node.id in targets else read).add(dotted)
                    uses.add((dotted, _use(tree, node, parent)))
            elif node.type == "identifier" and is_name(node, parent):
                name = tree.source(node)
                uses.add((name, _use(tree, node, parent)))
                if node.id in targets:
                    bound.add(name)
                    if parent is not None and parent.type == "augmented_assignment":
                        read.add(name)
                else:
                    read.add(name)
    return Names(frozenset(bound), frozenset(read), frozenset(u for u in uses if u[1]))


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


def is_name(node: Node, parent: Node | None) -> bool:
    """Whether an identifier is a variable: not an attribute, a keyword's name or an import."""
    if parent is None:
        return True
    if parent.type == "attribute":
        return parent.child_by_field_name("attribute") != node
    if parent.type == "keyword_argument":
        return parent.child_by_field_name("name") != node
    return parent.type != "dotted_name" or _in_pattern(parent)


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
    ids: set[int] = set()
    for node in walk(top):
        target: Node | None = None
        if node.type == "augmented_assignment":
            target = node.child_by_field_name("left")
        elif node.type in _TARGETS:
            target = node.child_by_field_name(_TARGETS[node.type])
        elif node.type in ("as_pattern_target", "delete_statement", "case_pattern"):
            target = node
        elif node.type in _PARAMETERS:
            ids.update(_parameter_ids(node))
        if target is not None:
            ids.update(_assigned(target))
    return ids


def _assigned(target: Node) -> set[int]:
    ids: set[int] = set()
    stack = [target]
    while stack:
        node = stack.pop()
        if node.type in ("identifier", "attribute"):
            ids.add(node.id)
        elif node.type not in ("subscript", "call"):
            stack.extend(node.named_children)
    return ids


def _parameter_ids(parameters: Node) -> set[int]:
    ids: set[int] = set()
    for child in parameters.named_children:
        name = child.child_by_field_name("name") or child
        if name.type in ("identifier", "list_splat_pattern", "dictionary_splat_pattern"):
            ids.update(_assigned(name))
        elif child.type == "typed_parameter" and child.named_children:
            ids.update(_assigned(child.named_children[0]))
    return ids


def _in_pattern(node: Node) -> bool:
    parent = node.parent
    return parent is not None and parent.type.endswith("pattern")
