"""Static facts of a JavaScript or TypeScript function: what in its syntax may cost time."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache

from tree_sitter import Node

from analysis.facts import Facts, sentence_of
from analysis.functions import Function
from analysis.languages.javascript.functions import defined, definition_named
from analysis.languages.javascript.syntax import LOOPS, parse
from analysis.rules.base import words
from analysis.syntax import Tree

ITERATORS = words(
    """
    every filter find findIndex findLast flatMap forEach map reduce reduceRight some
    """
)
"""Methods that call what they are given once for each element."""

_METHODS = {
    "includes": ("list-search", "membership-in-loop"),
    "indexOf": ("list-search", "membership-in-loop"),
    "lastIndexOf": ("list-search", "membership-in-loop"),
    "find": ("list-search", "list-search"),
    "findIndex": ("list-search", "list-search"),
    "shift": ("list-shift", "list-shift"),
    "unshift": ("list-shift", "list-shift"),
    "concat": ("", "list-growth"),
    "sort": ("sort", "sort-in-loop"),
    "toSorted": ("sort", "sort-in-loop"),
    "slice": ("", "slice-in-loop"),
    "keys": ("dict", "conversion-in-loop"),
    "values": ("dict", "conversion-in-loop"),
    "entries": ("dict", "conversion-in-loop"),
    "parse": ("", "parse-in-loop"),
    "stringify": ("", "format-in-loop"),
    "match": ("regex", "regex-in-loop"),
    "max": ("", "aggregate-in-loop"),
    "min": ("", "aggregate-in-loop"),
    "log": ("io", "io-in-loop"),
    "write": ("io", "io-in-loop"),
    "readFileSync": ("io", "io-in-loop"),
    "structuredClone": ("deepcopy", "copy-in-loop"),
}
_MADE = {"Set": "set", "Map": "dict", "RegExp": "regex"}


def facts(text: str, function: Function) -> Facts:
    """The words of analysis.facts.VOCABULARY that hold for the function."""
    tree, named = _definitions(text, function.path)
    node = named.get(function.qualname)
    if node is None:
        meant = definition_named(tree, function.path, function.qualname)
        node = meant[1] if meant is not None else None
    found: Counter[str] = Counter()
    if node is not None:
        _read(tree, node, function.name, found)
    return sentence_of(found)


@lru_cache(maxsize=1)
def _definitions(text: str, path: str) -> tuple[Tree, dict[str, Node]]:
    """The tree of a file, and its definitions by their names; of several with one name the last.

    Kept, since the functions of a file are mostly asked for one after the other.
    """
    tree = parse(text, path)
    return tree, {function.qualname: node for function, node in defined(tree, path)}


def _read(tree: Tree, root: Node, name: str, found: Counter[str]) -> None:
    stack = [(root, 0)]
    own_calls = 0
    while stack:
        node, loops = stack.pop()
        kind, inside = node.type, loops
        if kind in LOOPS:
            inside += 1
            found[{1: "loop", 2: "nested-loop"}.get(inside, "triple-loop")] += 1
            found["while-loop"] += kind == "while_statement"
        elif kind == "call_expression":
            called = _called(tree, node)
            own_calls += called == name
            plain, looped = _METHODS.get(called, ("", ""))
            found[looped if loops else plain] += 1
            if called in ITERATORS:
                inside += 1
                found["loop" if inside == 1 else "nested-loop"] += 1
        elif kind == "new_expression":
            made = node.child_by_field_name("constructor")
            word = _MADE.get(tree.source(made), "") if made is not None else ""
            found["regex-in-loop" if word == "regex" and loops else word] += 1
            found["object-in-loop" if loops else ""] += 1
        elif kind == "spread_element" and loops:
            found["list-growth"] += 1
        elif kind == "yield_expression":
            found["generator"] += 1
        elif kind == "binary_expression" and loops:
            operator = node.child_by_field_name("operator")
            word = operator.type if operator is not None else ""
            found["modulo-in-loop" if word in ("%", "/") else ""] += 1
            found["equality-join" if word in ("==", "===") and loops > 1 else ""] += 1
        stack.extend((child, inside) for child in reversed(node.children))
    if own_calls:
        found["overlapping-recursion" if own_calls > 1 else "recursion"] += 1


def _called(tree: Tree, call: Node) -> str:
    """The name of the function or method that is called."""
    function = call.child_by_field_name("function")
    if function is None:
        return ""
    last = function.child_by_field_name("property") or function
    return tree.source(last) if last.type.endswith("identifier") else ""
