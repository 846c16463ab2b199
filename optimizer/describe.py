"""Names a part of a model's answer by what it does to the syntax, without the model's help."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable

from analysis.functions import function_named
from analysis.languages import PYTHON, language_of
from optimizer.proposers.splice import dedented

_LOOPS = ("For", "While", "AsyncFor")
_COMPREHENSIONS = ("ListComp", "SetComp", "DictComp", "GeneratorExp")

Counts = Counter[str]
_TABLE: tuple[tuple[Callable[[Counts], bool], str], ...] = (
    (lambda d: d["call deque"] > 0, "use a deque"),
    (lambda d: d["call Counter"] > 0, "count with a Counter"),
    (lambda d: d["Set"] + d["SetComp"] + d["call set"] + d["call frozenset"] > 0, "use a set"),
    (
        lambda d: d["Dict"] + d["DictComp"] + d["call dict"] + d["call defaultdict"] > 0,
        "use a dictionary",
    ),
    (lambda d: d["call join"] > 0, "join the pieces once"),
    (lambda d: d["ListComp"] < 0 < d["GeneratorExp"], "drop a temporary list"),
    (
        lambda d: sum(d[k] for k in _LOOPS) < 0 < sum(d[k] for k in _COMPREHENSIONS),
        "use a comprehension in place of a loop",
    ),
    (lambda d: sum(d[k] for k in _LOOPS) < 0, "drop a loop"),
    (lambda d: d["call sorted"] + d["call sort"] < 0, "sort less"),
    (lambda d: d["Call"] < 0, "call less"),
    (lambda d: d["Attribute"] < 0, "look up less"),
    (lambda d: d["Assign"] > 0, "keep a value in a variable"),
)


def describe(before: str, after: str, path: str, qualname: str) -> str | None:
    """A short imperative for the step from one text to the next, or None where none is telling.

    Only Python's syntax is read.
    """
    if language_of(path) is not PYTHON:
        return None
    difference = _features(after, path, qualname)
    difference.subtract(_features(before, path, qualname))
    for matches, title in _TABLE:
        if matches(difference):
            return title
    imported = _imports(after) - _imports(before)
    return f"import {', '.join(sorted(imported))}" if imported else None


def _imports(text: str) -> set[str]:
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError):
        return set()
    found = {a.name for s in body if isinstance(s, ast.Import) for a in s.names}
    return found | {s.module for s in body if isinstance(s, ast.ImportFrom) and s.module}


def _features(text: str, path: str, qualname: str) -> Counts:
    function = function_named(text, path, qualname)
    if function is None:
        return Counter()
    try:
        tree = ast.parse(dedented(text, function))
    except (SyntaxError, ValueError, RecursionError):
        return Counter()
    counts: Counts = Counter()
    for node in ast.walk(tree):
        counts[type(node).__name__] += 1
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", None) or getattr(node.func, "attr", None)
            counts[f"call {name}"] += 1
    return counts
