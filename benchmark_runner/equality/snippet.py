"""Python to paste that shows how two versions differ: the import, the call, both outcomes."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark_runner.equality.equivalence import Difference
from benchmark_runner.worker import harness

_MOST_TEXT = 4000
_MOST_DEPTH = 40


@dataclass(frozen=True)
class Shown:
    """What a snippet is made of.

    `args` and `kwargs` are None where some argument is no builtin value; then `inputs_file` and
    `index` say where to find the call, and `replaced` which arguments are other ones.
    """

    path: Path
    called: str
    text: str
    difference: Difference
    kind: str
    hash_seed: int | None = None
    args: Sequence[Any] | None = None
    kwargs: Mapping[str, Any] | None = None
    inputs_file: Path | None = None
    index: int = 0
    replaced: Mapping[int | str, Any] | None = None
    calls: Sequence[tuple[Sequence[Any], Mapping[str, Any]]] | None = None
    """All calls of a sequence, the last of which shows the difference."""


class _NotPlain(Exception):
    """A value that has no short text in Python."""


def snippet(shown: Shown) -> str | None:
    """The snippet, or None where the call can't be written down."""
    module, root = harness.module_of(str(shown.path))
    owner = shown.called.partition(".")[0]
    try:
        writer = _Writer()
        folders = [root]
        if shown.difference.sequence:
            lines, call = _sequence(shown, writer)
            if shown.calls is None and shown.inputs_file is not None:
                folders += [str(shown.inputs_file.parent)] * (str(shown.inputs_file.parent) != root)
        elif shown.args is not None:
            lines, call = _written(shown, writer)
        elif shown.inputs_file is not None:
            folders += [str(shown.inputs_file.parent)] * (str(shown.inputs_file.parent) != root)
            lines, call = _from_file(shown, writer)
        else:
            return None
    except _NotPlain:
        return None
    head = [f"sys.path[:0] = {folders!r}", f"from {module} import {owner}"]
    imports = ["import sys", *(f"import {name}" for name in sorted(writer.imports))]
    difference = shown.difference
    body = [*writer.lines, *lines, *_calling(shown, call, module)]
    if any(line.startswith("asyncio.") or "asyncio.run" in line for line in body):
        imports.append("import asyncio")
    told = [f"# differs: {difference.what}"]
    told += [f"# before: {difference.before}", f"# after:  {difference.after}"]
    if shown.hash_seed:
        told.insert(0, f"# run with PYTHONHASHSEED={shown.hash_seed}")
    text = "\n".join([*imports, *head, *body, *told]) + "\n"
    return text if len(text) <= _MOST_TEXT else None


def _written(shown: Shown, writer: _Writer) -> tuple[list[str], str]:
    """Assignments and the call, with the arguments as source."""
    args, kwargs = list(shown.args or ()), dict(shown.kwargs or {})
    writer.count([*args, *kwargs.values()])
    if shown.difference.part != "arguments":
        parts = [writer.text(x) for x in args]
        parts += [f"{name}={writer.text(x)}" for name, x in kwargs.items()]
        return [], f"{_callee(shown)}({', '.join(parts)})"
    lines = [f"args = {writer.text(args)}", f"kwargs = {writer.text(kwargs)}"]
    return lines, f"{_callee(shown)}(*args, **kwargs)"


def _sequence(shown: Shown, writer: _Writer) -> tuple[list[str], str]:
    """The earlier calls as statements, and the last one."""
    callee = _callee(shown)
    if shown.calls is not None:
        writer.count([part for call in shown.calls for part in call])
        texts = [
            ", ".join([writer.text(x) for x in a] + [f"{k}={writer.text(x)}" for k, x in b.items()])
            for a, b in shown.calls
        ]
        *earlier, last = [f"{callee}({text})" for text in texts]
        return earlier, last
    if shown.inputs_file is None:
        raise _NotPlain
    order = list(shown.difference.sequence)
    lines = [f"from {shown.inputs_file.stem} import inputs", f"for index in {order[:-1]}:"]
    lines += ["    args, kwargs = list(inputs())[index]", f"    {callee}(*args, **kwargs)"]
    lines += [f"args, kwargs = list(inputs())[{order[-1]}]"]
    return lines, f"{callee}(*args, **kwargs)"


def _from_file(shown: Shown, writer: _Writer) -> tuple[list[str], str]:
    """The call out of the user's file of inputs."""
    file = shown.inputs_file
    if file is None:
        raise _NotPlain
    lines = [
        f"from {file.stem} import inputs",
        f"args, kwargs = list(inputs())[{shown.index}]",
        "args = list(args)",
    ]
    replaced = dict(shown.replaced or {})
    writer.count(list(replaced.values()))
    for place, value in replaced.items():
        if isinstance(place, int):
            lines.append(f"args[{place}] = {writer.text(value)}")
        else:
            lines.append(f"kwargs[{place!r}] = {writer.text(value)}")
    return lines, f"{_callee(shown)}(*args, **kwargs)"


def _callee(shown: Shown) -> str:
    """How the function is written in a call: a property is called by its getter."""
    if "." not in shown.called:
        return shown.called
    body: list[ast.stmt] = []
    try:
        body = ast.parse(shown.text).body
    except (SyntaxError, ValueError, RecursionError):
        return shown.called
    node: ast.stmt | None = None
    for part in shown.called.split("."):
        node = next((n for n in body if getattr(n, "name", None) == part), None)
        body = list(getattr(node, "body", []))
    names = {ast.unparse(d).rpartition(".")[2] for d in getattr(node, "decorator_list", [])}
    if "property" in names:
        return f"{shown.called}.fget"
    return f"{shown.called}.func" if "cached_property" in names else shown.called


def _calling(shown: Shown, call: str, module: str) -> list[str]:
    """The lines that make the call and print what differs."""
    difference, mode = shown.difference, shown.difference.call[1]
    drawn = difference.part == "rng"
    lines = []
    if drawn:
        lines += ["import random", f"random.seed({1_000_003 + difference.call[0]})"]
    if mode == "partial":
        lines += [f"items = {call}", "next(items, None)", "items.close()"]
    elif mode == "twice":
        lines += [f"first = {call}"]
        lines += ["# change it in place, as by first.append(0) or first[0] = 1, and call again:"]
        lines += [f"first = {call}", "print(first)"]
    elif mode == "chain":
        lines += [f"print({call})"]
        lines += ["# and more calls on what it has changed: its first argument stays the same"]
    elif shown.kind == "coroutine":
        lines += [f"print(asyncio.run({call}))"]
    elif shown.kind == "iterator":
        lines += [f"print(list({call}))"]
    else:
        lines += [f"print({call})"]
    if difference.part == "arguments" and not difference.sequence:
        lines += ["print(args, kwargs)"]
    if drawn:
        lines += ["print(random.random())"]
    if difference.part == "globals":
        lines += ["print({k: v for k, v in vars(sys.modules[" + repr(module) + "]).items()"]
        lines += ["       if not k.startswith('__') and not callable(v)})"]
    return lines


_LONG = 10**4300
_REPR = (int, float, bool, str, bytes, bytearray, complex, range, slice)


class _Writer:
    """Values as Python source; a container that stands in two places gets a name of its own."""

    def __init__(self) -> None:
        self.imports: set[str] = set()
        self.lines: list[str] = []
        self.names: dict[int, str] = {}
        self.often: set[int] = set()

    def count(self, values: Sequence[Any]) -> None:
        """Find what is shared."""
        seen: set[int] = set()
        stack = list(values)
        while stack:
            value = stack.pop()
            if not isinstance(value, list | dict | set | tuple | bytearray):
                continue
            if id(value) in seen:
                if not isinstance(value, tuple):
                    self.often.add(id(value))
                continue
            seen.add(id(value))
            stack += [*value.keys(), *value.values()] if isinstance(value, dict) else list(value)

    def text(self, value: Any, depth: int = 0) -> str:
        """One value. Raises _NotPlain."""
        if depth > _MOST_DEPTH:
            raise _NotPlain
        if id(value) in self.names:
            return self.names[id(value)]
        if id(value) in self.often:
            name = f"shared{len(self.names) or ''}"
            self.names[id(value)] = name
            self.lines.append(f"{name} = {self._text(value, depth)}")
            return name
        return self._text(value, depth)

    def _text(self, value: Any, depth: int) -> str:
        kind = type(value)
        if kind is float and (value != value or value in (float("inf"), float("-inf"))):
            return f"float({str(value)!r})"
        if kind is int and abs(value) >= _LONG:
            return hex(value)  # Python writes no more than 4300 digits
        if value is None or kind in _REPR:
            return repr(value)
        if kind is dict:
            pairs = (
                f"{self.text(k, depth + 1)}: {self.text(v, depth + 1)}" for k, v in value.items()
            )
            return "{" + ", ".join(pairs) + "}"
        if kind in (list, tuple, set, frozenset):
            inner = [self.text(x, depth + 1) for x in value]
            if kind is list:
                return f"[{', '.join(inner)}]"
            if kind is tuple:
                return f"({', '.join(inner)}{',' if len(inner) == 1 else ''})"
            shown = "{" + ", ".join(inner) + "}" if inner else ""
            return shown if kind is set and inner else f"{kind.__name__}({shown})"
        if kind.__module__ in ("decimal", "fractions", "datetime", "collections"):
            self.imports.add(kind.__module__)
            if kind.__module__ == "collections":
                name = f"collections.{kind.__name__}"
                if kind.__name__ == "deque":
                    return f"{name}({self.text(list(value), depth + 1)}, {value.maxlen})"
                return f"{name}({self.text(list(value.items()), depth + 1)})"
            text = repr(value)
            return text if text.startswith("datetime.") else f"{kind.__module__}.{text}"
        raise _NotPlain
