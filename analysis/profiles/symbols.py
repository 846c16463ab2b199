"""Symbols of compiled code, as profilers of machine code name functions, and whose they are."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

from analysis.functions import Function

_MAX_FILES = 2_000
_MAX_FILE_BYTES = 2_000_000
_MAX_BYTES = 64_000_000
_MAX_PARSED = 40
_MAX_NAME = 2_000
_CALLED = re.compile(rb"\b([A-Za-z_]\w{0,200})[ \t\r\n]{0,20}\(")
_CLONE = re.compile(r"(?:\.(?:isra|constprop|part|cold|lto_priv|llvm)(?:\.\d+)*)+$|@@?[\w.]+$")
_OFFSET = re.compile(r"\+0x[0-9a-fA-F]+$")
_OPERATOR = re.compile(r"\boperator *(?:\(\)|\[\]|[^\w\s(\[]+)")
_UNNAMED = "(anonymous namespace)"
_PREFIX = re.compile(r"(?:async |get |set |new |static )+")


def bare_name(symbol: str) -> str:
    """The function's own name: "at" of "ns::Grid<int>::at(int) const", "Grid.at" or "at.isra.0"."""
    name = _CLONE.sub("", _OFFSET.sub("", symbol[:_MAX_NAME].strip()))
    if name.startswith("(") and not name.startswith(_UNNAMED):  # "(anonymous)", "(program)"
        return ""
    name = _PREFIX.sub("", _without_brackets(name)).strip()
    last = re.split(r"::|\.|#", name)[-1].strip()
    return last.rsplit(" ", 1)[-1].lstrip("*&")


def _without_brackets(name: str) -> str:
    """The name up to its arguments, template arguments left out."""
    kept: list[str] = []
    depth = at = 0
    while at < len(name):
        if not depth and (operator := _OPERATOR.match(name, at)):
            kept.append(operator[0])
            at = operator.end()
            continue
        sign = name[at]
        if sign == "<":
            depth += 1
        elif sign == ">" and depth:
            depth -= 1
        elif not depth:
            if sign == "(" and not name.startswith(_UNNAMED, at):
                break
            kept.append(sign)
        at += 1
    return "".join(kept)


class Symbols:
    """The functions that the files of compiled languages define, found by their symbols.

    A file is parsed only when a symbol's name stands before a bracket in it, and the bytes that are
    looked at are bounded.
    """

    def __init__(
        self, files: Sequence[Path], functions_of: Callable[[str], Sequence[Function]]
    ) -> None:
        self._files, self._functions_of = files, functions_of
        self._with: dict[str, list[str]] | None = None
        self._found: dict[str, Function | None] = {}

    def find(self, symbol: str) -> Function | None:
        """The function of that symbol; None when there is none, or more than one."""
        if symbol not in self._found:
            self._found[symbol] = self._find(symbol)
        return self._found[symbol]

    def _find(self, symbol: str) -> Function | None:
        simple = bare_name(symbol)
        if not simple or not self._files:
            return None
        holding = self._names().get(simple, [])
        if not holding or len(holding) > _MAX_PARSED:
            return None
        named = [f for path in holding for f in self._functions_of(path) if f.name == simple]
        scope = _without_brackets(symbol).strip()
        if len(named) > 1 and "::" in scope:
            end = scope.removeprefix("::").rsplit(" ", 1)[-1]
            named = [f for f in named if _without_brackets(f.qualname) == end]
        if len(named) > 1 and "(" in symbol:
            packed = "".join(symbol.split())
            named = [f for f in named if packed.endswith("".join(f.qualname.split()))]
        return named[0] if len(named) == 1 else None

    def _names(self) -> dict[str, list[str]]:
        if self._with is None:
            names: defaultdict[str, list[str]] = defaultdict(list)
            seen = 0
            for path in self._files[:_MAX_FILES]:
                try:
                    if path.stat().st_size > _MAX_FILE_BYTES:
                        continue
                    data = path.read_bytes()
                except OSError:
                    continue
                seen += len(data)
                if seen > _MAX_BYTES:
                    break
                for name in set(_CALLED.findall(data)):
                    names[name.decode("ascii", "replace")].append(str(path))
            self._with = dict(names)
        return self._with
