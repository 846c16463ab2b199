"""One function of a file as it is after a commit, put into the file as it was before.

With it go the imports and module constants that it needs and the file did not have. What needs more
(another class, a helper of the same commit) is left out: then the function is not the whole gain.
"""

from __future__ import annotations

from tree_sitter import Node

from analysis.functions import Function, function_named, parse_file
from analysis.gate import check_candidate
from analysis.names import imported_names, names_in
from analysis.syntax import Tree
from analysis.text import TextChange, apply_changes

_IMPORTS = ("import_statement", "import_from_statement")
_DEFINITIONS = (
    "function_definition", "class_definition", "decorated_definition", "template_declaration",
)  # fmt: skip


def with_function(before: str, after: str, old: Function, new: Function) -> str | None:
    """`before` with `new` in the place of `old`; None where that is no sound change.

    `old` is of `before` and `new` of `after`; both are of one path and have one name.
    """
    path = old.path
    changes = [TextChange(old.start, old.end, after[new.start : new.end])]
    spliced = apply_changes(before, changes)
    if check_candidate(before, spliced, old.qualname, path) is None:
        return spliced
    lines = _needed(before, after, new)
    if not lines:
        return None
    first = _first_definition(before, path)
    changes.append(TextChange(first, first, "".join(f"{line}\n" for line in lines) + "\n"))
    spliced = apply_changes(before, changes)
    return spliced if check_candidate(before, spliced, old.qualname, path) is None else None


def _needed(before: str, after: str, new: Function) -> list[str]:
    """Top-level statements that are new and that the function's names ask for."""
    tree, known = parse_file(after, new.path), parse_file(before, new.path)
    own = function_named(after, new.path, new.qualname)
    there = {known.source(node).strip() for node in known.root.named_children}
    fresh = [n for n in tree.root.named_children if tree.source(n).strip() not in there]
    if not new.path.endswith(".py"):
        return [tree.source(n).strip() for n in fresh if n.type == "preproc_include"]
    if own is None:
        return []
    hole = tree.node_at(own.def_start, own.end)
    wanted = names_in(tree, [hole]).all if hole is not None else frozenset()
    return [tree.source(node).strip() for node in fresh if _binds(tree, node) & wanted]


def _binds(tree: Tree, node: Node) -> frozenset[str]:
    if node.type in _IMPORTS:
        return frozenset(imported_names(tree, node))
    if node.type == "expression_statement":
        return names_in(tree, [node]).bound
    return frozenset()


def _first_definition(text: str, path: str) -> int:
    """The offset of the line before which imports and constants of the file end."""
    tree = parse_file(text, path)
    for node in tree.root.named_children:
        if node.type in _DEFINITIONS:
            at = tree.offset(node.start_byte)
            return tree.lines.starts[tree.lines.line_of(at)]
    return 0
