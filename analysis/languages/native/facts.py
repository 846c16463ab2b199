"""Static facts of a C or C++ function: what in its syntax may cost time."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import lru_cache

from tree_sitter import Node

from analysis.facts import Facts, sentence_of
from analysis.functions import Function
from analysis.languages.native.functions import definition_named, functions_in
from analysis.languages.native.operations import operations
from analysis.languages.native.syntax import definitions, parse, whole
from analysis.syntax import SparingTree, Tree

_LOOPS = ("for_statement", "while_statement", "do_statement", "for_range_loop")
_SORTS = ("sort", "qsort", "stable_sort", "partial_sort", "nth_element")
_COPIES = ("memcpy", "memmove", "strcpy", "strdup", "substr")
_IO = (
    "scanf", "printf", "puts", "putchar", "getchar", "gets", "fgets", "cin", "cout", "endl",
    "getline", "fread", "fwrite", "fprintf", "fscanf",
)  # fmt: skip
_OBJECTS = ("malloc", "calloc", "realloc", "new_expression")
_LENGTHS = ("strlen", "pow", "sqrt")
_SEARCHES = ("find", "count", "strstr", "strchr")


def facts(text: str, function: Function) -> Facts:
    """The words of analysis.facts.VOCABULARY that hold for the function."""
    tree, named = _definitions(text, function.path)
    node = named.get(function.qualname) or definition_named(
        tree, text, function.path, function.qualname
    )
    found: Counter[str] = Counter()
    if node is None:
        return Facts((), "")
    _read(SparingTree(tree), node, function.name, found)
    made = operations(tree, node, function.name)
    # Macros can hide loops: that none was found says nothing.
    return replace(sentence_of(found), operations=made) if found else Facts((), "", made)


@lru_cache(maxsize=1)
def _definitions(text: str, path: str) -> tuple[Tree, dict[str, Node]]:
    """The tree of a file, and its definitions by their names; of several with one name the last.

    Kept, since the functions of a file are mostly asked for one after the other.
    """
    tree = parse(text, path)
    by_place: dict[tuple[int, int], Node] = {}
    for node, _ in definitions(tree.root):
        outer = whole(node)
        by_place.setdefault(tree.span(outer), outer)
    functions = functions_in(text, path, tree)
    return tree, {f.qualname: by_place[f.start, f.end] for f in functions}


def _read(tree: Tree, root: Node, name: str, found: Counter[str]) -> None:
    stack = [(root, 0)]
    own_calls = 0
    while stack:
        node, loops = stack.pop()
        if node.type in _LOOPS:
            loops += 1
            word = "loop" if node.type != "while_statement" else "while-loop"
            found[{1: word, 2: "nested-loop"}.get(loops, "triple-loop")] += 1
        elif node.type in ("identifier", "field_identifier", "new_expression"):
            word = node.type if node.type == "new_expression" else tree.source(node)
            for words, plain, inside in _WORDS:
                if word in words and (fact := inside if loops else plain):
                    found[fact] += 1
        elif node.type == "call_expression":
            called = node.child_by_field_name("function")
            own_calls += called is not None and tree.source(called) == name
        elif node.type == "binary_expression" and loops:
            operator = node.child_by_field_name("operator")
            if operator is not None and operator.type in ("%", "/"):
                found["modulo-in-loop"] += 1
        stack.extend((child, loops) for child in reversed(node.children))
    if own_calls:
        found["overlapping-recursion" if own_calls > 1 else "recursion"] += 1


_WORDS = (
    (_SORTS, "sort", "sort-in-loop"),
    (_COPIES, "", "copy-in-loop"),
    (_IO, "io", "io-in-loop"),
    (_OBJECTS, "", "object-in-loop"),
    (_LENGTHS, "", "invariant-call-in-loop"),
    (_SEARCHES, "", "list-search"),
)
