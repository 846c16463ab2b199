"""The shape of a function: which kinds of syntax stand below which, without any name or value.

Two functions with like shapes do like things to like structures, whatever they are called. Each
piece (a node's type, its parent's and its grandparent's) is hashed to five letters, so that a shape
is short and can be searched as words.
"""

from __future__ import annotations

import hashlib

from tree_sitter import Node

from analysis.functions import function_named, parse_file

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_MOST = 4000
"""Nodes of one function that are looked at."""


def shape_of(text: str, path: str, qualname: str = "") -> str:
    """The pieces of one function of a file, or of all its code where none is named or found.

    Sorted words with a space between them, each once. `path` only tells the language.
    """
    tree = parse_file(text, path)
    named = function_named(text, path, qualname) if qualname else None
    node = tree.root if named is None else tree.node_at(named.def_start, named.end)
    pieces = _pieces(node) if node is not None else set()
    return " ".join(sorted(_hashed(piece) for piece in pieces))


def _pieces(root: Node) -> set[str]:
    found: set[str] = set()
    stack: list[tuple[Node, str, str]] = [(root, "", "")]
    for _ in range(_MOST):
        if not stack:
            break
        node, parent, grand = stack.pop()
        # Operators and keywords are unnamed nodes: "+" and "in" tell more than "binary_operator".
        kind = node.type
        if node.is_named or kind.isalpha() or kind in _OPERATORS:
            if grand:
                found.add(f"{grand}>{parent}>{kind}")
            stack += [(child, kind, parent) for child in node.children]
    return found


_SIGNS = "+ - * / // % ** & | ^ << >> < > <= >= == != += -= *= && || ! ++ --"
_OPERATORS = frozenset(_SIGNS.split())


def _hashed(piece: str) -> str:
    value = int.from_bytes(hashlib.blake2b(piece.encode(), digest_size=4).digest(), "big")
    word = ""
    for _ in range(5):
        value, letter = divmod(value, 26)
        word += _LETTERS[letter]
    return word
