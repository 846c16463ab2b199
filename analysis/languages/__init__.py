"""Languages beside Python: one folder each, imported at the first file of that language.

Python is what the modules of `analysis` read themselves. For a file of another language they ask
its dialect, which `dialect_of` finds by the file's suffix. To add a language: a folder with the
modules that `analysis.languages.folder` names, and a row in the table below.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import PurePath
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from analysis.facts import Facts
    from analysis.functions import Function
    from analysis.rules.base import Finding, Rule
    from analysis.syntax import Tree
    from analysis.text import TextChange


@dataclass(frozen=True)
class Language:
    """`name` is the one of workloads and records, `title` the one that people read.

    `ignore` is what silences hasten at a function, as it is written in this language. `runs` begins
    the names of what runs its code, as evidence has them ("cpython-3.11"). `by_commands` says that
    only the project's own test and benchmark commands prove its edits.
    """

    name: str
    title: str
    folder: str | None
    suffixes: tuple[str, ...]
    ignore: str
    runs: str
    by_commands: bool = False


PYTHON = Language("python", "Python", None, (".py", ".pyw", ".pyi"), "# hasten: ignore", "cpython-")
LANGUAGES = (
    PYTHON,
    Language("c", "C", "native", (".c",), "// hasten: ignore", "gcc-"),
    # C++'s grammar reads C headers too; which of both a header is, no name tells.
    Language(
        "c++", "C++", "native", (".cpp", ".cc", ".cxx", ".c++", ".hpp", ".hh", ".hxx", ".h"),
        "// hasten: ignore", "g++-",
    ),
    Language(
        "javascript", "JavaScript", "javascript", (".js", ".mjs", ".cjs", ".jsx"),
        "// hasten: ignore", "node-", by_commands=True,
    ),
    Language(
        "typescript", "TypeScript", "javascript", (".ts", ".mts", ".cts", ".tsx"),
        "// hasten: ignore", "node-", by_commands=True,
    ),
)  # fmt: skip

_BY_SUFFIX = {suffix: language for language in LANGUAGES for suffix in language.suffixes}


class Dialect(Protocol):
    """What `analysis` must know of a language; each method is as the function of that name."""

    def parse(self, text: str, path: str, old: Tree | None) -> Tree:
        """The text's tree; of `old`, the tree of an earlier text, what is the same is kept."""

    def functions_in(self, text: str, path: str, tree: Tree | None) -> tuple[Function, ...]:
        """See analysis.functions."""

    def find(self, found: tuple[Function, ...], name: str) -> Function | None:
        """The function that a person means by a name."""

    def fingerprint(self, source: str, path: str) -> str:
        """Hash of a definition's syntax; comments and white space do not count."""

    def facts(self, text: str, function: Function) -> Facts:
        """See analysis.facts.static_facts."""

    def check_candidate(self, before: str, after: str, qualname: str, path: str) -> str | None:
        """See analysis.gate."""

    def normalised_key(self, text: str, qualname: str, path: str) -> str:
        """See analysis.decompose."""

    def decompose(
        self, before: str, after: str, qualname: str, path: str
    ) -> tuple[tuple[TextChange, ...], ...]:
        """See analysis.decompose."""

    def rules(self) -> tuple[Rule, ...]:
        """The rewrite rules of this folder's languages."""

    def find_rules(
        self, text: str, path: str, functions: Sequence[Function], only: str | None
    ) -> tuple[Finding, ...]:
        """See analysis.rules.catalogue.find."""


def language_of(path: str | PurePath) -> Language:
    """The language of a file by its suffix; Python where no other one claims it."""
    return _BY_SUFFIX.get(PurePath(path).suffix.lower(), PYTHON)


def dialect_of(path: str | PurePath) -> Dialect | None:
    """The dialect of a file's language, or None for Python, which the callers know themselves."""
    folder = language_of(path).folder
    return None if folder is None else _dialect(folder)


@cache
def _dialect(folder: str) -> Dialect:
    from analysis.languages.folder import FolderDialect

    return FolderDialect(folder)
