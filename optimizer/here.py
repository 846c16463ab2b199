"""What applies where an edit would be used: interpreter, libraries at hand, rules that lose."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from analysis.errors import HastenError
from analysis.functions import parse
from analysis.languages import PYTHON, language_of
from analysis.names import imported_modules, imported_names
from analysis.rules.evidence import Evidence
from analysis.syntax import walk
from benchmark_runner.interpreters import interpreter_at
from benchmark_runner.receipts.dependencies import versions_of_libraries
from index.query import Here

_WORD = re.compile(r"\w+")
_IMPORTS = ("import_statement", "import_from_statement")


def here_of(text: str, path: str, python: str | None, evidence: Evidence | None) -> Here:
    """What is known of the place of a function.

    Libraries at hand are those that its file imports: an edit that brings in another one is
    refused by the static gate.
    """
    losing = frozenset(evidence.losing) if evidence is not None else frozenset[str]()
    if language_of(path) is not PYTHON:
        return Here(losing=losing)
    version: tuple[int, ...] = ()
    if python is not None:
        with contextlib.suppress(HastenError):
            version = interpreter_at(Path(python)).version
    libraries = frozenset(module for module, _ in _imported(text))
    return Here(version, libraries, losing)


def requirements_of(text: str, code: str) -> tuple[str, ...]:
    """The third-party modules that a file imports and a piece of it uses."""
    words = set(_WORD.findall(code))
    used = {module for module, names in _imported(text) if words & set(names)}
    return tuple(sorted(used - sys.stdlib_module_names))


def libraries_of(text: str, path: str, python: str | None) -> str:
    """ "numpy 2.1.0, pandas 3.1.1": those that a Python file imports, as they are installed."""
    if python is None or language_of(path) is not PYTHON:
        return ""
    names = {module for module, _ in _imported(text)} - sys.stdlib_module_names
    if not names:
        return ""
    try:
        found = versions_of_libraries(names, Path(python))
    except HastenError:
        return ""
    return ", ".join(f"{name} {version}" for name, version in found)


def _imported(text: str) -> Iterator[tuple[str, list[str]]]:
    """Top-level modules that a file imports, with the names that each import binds."""
    tree = parse(text)
    for node in walk(tree.root):
        if node.type in _IMPORTS:
            names = imported_names(tree, node)
            for module in imported_modules(tree, node):
                top = module.split(".", 1)[0].strip()
                if top:
                    yield top, names
