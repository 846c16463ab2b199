"""C and C++ syntax trees: which grammar, which nodes hold definitions, and tokens."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import tree_sitter
from tree_sitter import Node

from analysis.syntax import Tree
from analysis.syntax import parse as parse_as

CONTAINERS = frozenset(
    {
        "translation_unit", "preproc_if", "preproc_ifdef", "preproc_else", "preproc_elif",
        "preproc_elifdef", "namespace_definition", "declaration_list", "linkage_specification",
        "template_declaration", "class_specifier", "struct_specifier", "union_specifier",
        "field_declaration_list", "declaration", "field_declaration", "type_definition",
        "friend_declaration", "ERROR",
    }
)  # fmt: skip
"""Nodes inside which functions are defined; bodies of functions are not looked at."""

SCOPES = ("namespace_definition", "class_specifier", "struct_specifier", "union_specifier")


@cache
def grammar(plus: bool) -> tree_sitter.Language:
    """The grammar of C, or of C++; each is loaded when a file first needs it."""
    module: Any
    if plus:
        import tree_sitter_cpp as module
    else:
        import tree_sitter_c as module
    return tree_sitter.Language(module.language())


def parse(text: str, path: str, old: Tree | None = None) -> Tree:
    """The tree of a C or C++ file; only files named .c are read as C."""
    return parse_as(text, old, grammar(not path.lower().endswith(".c")))


def definitions(root: Node) -> Iterator[tuple[Node, tuple[Node, ...]]]:
    """Each function definition with the nodes around it, outermost first, in document order."""
    stack: list[tuple[Node, tuple[Node, ...]]] = [(root, ())]
    while stack:
        node, around = stack.pop()
        if node.type == "function_definition":
            if node.child_by_field_name("body") is not None:
                yield node, around
            continue
        if node.type in CONTAINERS:
            inner = (*around, node)
            stack.extend((child, inner) for child in reversed(node.children))


def whole(definition: Node) -> Node:
    """The definition with the template's head in front of it."""
    node, parent = definition, definition.parent
    while parent is not None and parent.type == "template_declaration":
        node, parent = parent, parent.parent
    return node


def spelled(words: list[str]) -> str:
    """Tokens of a type as one writes them: "const std::vector<int> &", "int (*)(int, char *)"."""
    out = ""
    for word in words:
        last, is_word = out[-1:], word[0].isalnum() or word[0] == "_"
        wordy = last.isalnum() or last == "_"
        if (
            (last == ",")
            or (is_word and (wordy or last in (">", ")")))
            or (word[0] in "*&" and (wordy or last in (">", "]")))
            or (word in ("(", "[") and wordy)
        ):
            out += " "
        out += word
    return out
