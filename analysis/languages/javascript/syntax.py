"""Syntax trees of JavaScript and TypeScript: which grammar, and which nodes are definitions."""

from __future__ import annotations

from functools import cache
from pathlib import PurePath
from typing import Any

import tree_sitter
from tree_sitter import Node

from analysis.syntax import Tree
from analysis.syntax import parse as parse_as

DECLARATIONS = ("function_declaration", "generator_function_declaration", "method_definition")
EXPRESSIONS = ("function_expression", "generator_function", "arrow_function")
FUNCTIONS = (*DECLARATIONS, *EXPRESSIONS)
CLASSES = ("class_declaration", "class", "abstract_class_declaration")
MODULES = ("internal_module", "module")
"""TypeScript's namespaces."""

LOOPS = ("for_statement", "for_in_statement", "while_statement", "do_statement")

_GRAMMARS = {".ts": "typescript", ".mts": "typescript", ".cts": "typescript", ".tsx": "tsx"}


def grammar_name(path: str) -> str:
    """javascript, typescript or tsx, by the file's suffix."""
    return _GRAMMARS.get(PurePath(path).suffix.lower(), "javascript")


@cache
def grammar(name: str) -> tree_sitter.Language:
    """A grammar by its name; each is loaded when a file first needs it."""
    module: Any
    if name == "javascript":
        import tree_sitter_javascript as module

        return tree_sitter.Language(module.language())
    import tree_sitter_typescript as module

    made = module.language_tsx() if name == "tsx" else module.language_typescript()
    return tree_sitter.Language(made)


@cache
def _scopes_query(name: str) -> tree_sitter.Query:
    kinds = [*FUNCTIONS, "class_declaration", "class"]
    if name != "javascript":
        kinds += ["abstract_class_declaration", *MODULES]
    named = " ".join(f"({kind})" for kind in kinds)
    query: tree_sitter.Query = tree_sitter.Query(grammar(name), f"[{named}] @scope")
    return query


def parse(text: str, path: str, old: Tree | None = None) -> Tree:
    """The tree of a file's text."""
    return parse_as(text, old, grammar(grammar_name(path)))


def scopes(tree: Tree, path: str) -> list[Node]:
    """Functions, classes and namespaces in document order, outer ones first."""
    cursor = tree_sitter.QueryCursor(_scopes_query(grammar_name(path)))
    found = cursor.captures(tree.root).get("scope", [])
    return sorted((n for n in found if n.is_named), key=lambda n: (n.start_byte, -n.end_byte))
