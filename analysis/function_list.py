"""The functions of a text that is edited: after a change inside one only that one is read again."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import replace

from analysis.functions import Function, Tree, functions_in, parse_file
from analysis.languages import PYTHON, language_of
from analysis.text import same_ends

_BLOCK = "if 1:\n"


class FunctionList:
    """The functions of a file's newest text."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._text: str | None = None
        self._functions: tuple[Function, ...] = ()
        self._sound = False
        self._tree: Tree | None = None

    def of(self, text: str) -> tuple[Function, ...]:
        """As `functions_in`, from what is known of the text before where that is sure."""
        if text != self._text:
            found = None
            if self._text is not None and self._sound:
                found = _after(self._functions, self._text, text)
            self._functions, self._text = found or self._read(text), text
        return self._functions

    def _read(self, text: str) -> tuple[Function, ...]:
        tree = parse_file(text, self._path, self._tree)
        if self._tree is not None and tree.root.has_error:
            tree = parse_file(text, self._path)  # how it recovers must not rest on what was before
        self._tree = None if tree.root.has_error else tree
        # An error may hide other functions; when it is mended they come back.
        self._sound = language_of(self._path) is PYTHON and not tree.root.has_error
        return functions_in(text, self._path, tree)


def _after(functions: Sequence[Function], old: str, new: str) -> tuple[Function, ...] | None:
    """The functions after one change inside the body of one of them; None for any other change."""
    head, tail = same_ends(old, new)
    last = len(old) - tail
    outer = next((f for f in functions if f.body_start <= head and last <= f.end), None)
    if outer is None or outer.kind == "nested" or outer.ignored:
        return None
    first = old.rfind("\n", 0, outer.start) + 1
    chars = len(new) - len(old)
    source = new[first : outer.end + chars]
    if "\r" in source or "hasten" in source or not _is_one_definition(source):
        return None
    lines = source.count("\n") - old.count("\n", first, outer.end)
    inner = _read(source, outer)
    if inner is None:
        return None
    moved = [f.moved(chars, lines) for f in functions if f.start >= outer.end]
    return (*(f for f in functions if f.start < outer.start), *inner, *moved)


def _is_one_definition(source: str) -> bool:
    """Whether these lines are one definition, and comments at the most below it."""
    indented = source[:1] in (" ", "\t")
    try:
        body = ast.parse(_BLOCK + source if indented else source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    if indented and isinstance(body[0], ast.If):
        body = body[0].body if len(body) == 1 else []
    if len(body) != 1 or not isinstance(body[0], ast.FunctionDef | ast.AsyncFunctionDef):
        return False
    lines = source.encode(errors="surrogatepass").split(b"\n")
    last = (body[0].end_lineno or 0) - indented
    rest = [lines[last - 1][body[0].end_col_offset :], *lines[last:]]
    return all(line.lstrip()[:1] in (b"", b"#") for line in rest)


def _read(source: str, outer: Function) -> list[Function] | None:
    """The function anew and those inside of it, where their lines now lie."""
    indented = source[:1] in (" ", "\t")
    found = functions_in(_BLOCK + source if indented else source, outer.path)
    if not found or found[0].name != outer.name or any(f.ignored for f in found):
        return None
    if len(found[0].source) != len(source):
        return None  # what stands below it may be its own or not
    chars = outer.start - found[0].start
    lines = outer.first_line - found[0].first_line
    here = []
    for function in found:
        name = function.qualname
        if function is found[0] or name.startswith(f"{outer.name}."):
            name = outer.qualname + name[len(outer.name) :]
        kind = outer.kind if function is found[0] else function.kind
        here.append(replace(function.moved(chars, lines), qualname=name, kind=kind))
    return here
