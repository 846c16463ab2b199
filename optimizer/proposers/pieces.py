"""Pieces of files before a model, and its pieces in a file, of languages that tree-sitter reads."""

from __future__ import annotations

import re

from tree_sitter import Node

from analysis.functions import Function
from analysis.syntax import Tree, walk
from analysis.text import LineIndex, TextChange

PIECE_CHARS = 1_500
LIMIT_CHARS = 6_000
_SECRET = re.compile(r"secret|passw|token|credential|api_?key|private_?key|_?pwd", re.IGNORECASE)
_STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'|`[^`]*`')


def without_secrets(source: str) -> str:
    """Source without its strings where a name beside them looks like a secret."""
    return _STRING.sub('"..."', source) if _SECRET.search(source) else source


def shown(tree: Tree, node: Node) -> str:
    """A piece of the file; strings are left out where a name beside them looks like a secret."""
    source = without_secrets(tree.source(node).strip())
    return source if len(source) <= PIECE_CHARS else source[:PIECE_CHARS] + " ..."


def fitting(parts: list[str], between: str = "\n\n") -> str:
    """The parts, each once, as far as they fit."""
    return between.join(dict.fromkeys(parts))[:LIMIT_CHARS]


def worst(root: Node) -> int | None:
    """The 1-based line of the first error."""
    if not root.has_error:
        return None
    bad = next((n for n in walk(root) if n.is_error or n.is_missing), None)
    return None if bad is None else int(bad.start_point.row) + 1


def in_place(text: str, function: Function, source: str) -> TextChange:
    """The new definition where the old one is, indented as it was."""
    index = LineIndex(text)
    start = index.starts[index.line_of(function.start)]
    lead = text[start : function.start]
    lines = source.split("\n")
    if not lead.strip():
        lines = [lines[0], *(lead + line if line.strip() else line for line in lines[1:])]
    return TextChange(function.start, function.end, newlines("\n".join(lines), text))


def newlines(new: str, text: str) -> str:
    """New text with the line ends of the file's text."""
    return new.replace("\n", "\r\n") if "\r\n" in text else new
