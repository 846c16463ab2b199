"""A language's folder as `analysis` asks for it; what only a search needs is imported by it."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from analysis.syntax import Tree
from analysis.text import TextChange

if TYPE_CHECKING:
    from analysis.facts import Facts
    from analysis.functions import Function
    from analysis.rules.base import Finding, Rule


class FolderDialect:
    """A Dialect made of a folder's modules: syntax, functions, facts, gate, parts, rules.catalogue.

    Each is imported when it is first asked for: the editor's process reads functions only.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def _part(self, module: str) -> Any:
        return import_module(f"analysis.languages.{self._folder}.{module}")

    def parse(self, text: str, path: str, old: Tree | None) -> Tree:
        """See Dialect."""
        tree: Tree = self._part("syntax").parse(text, path, old)
        return tree

    def functions_in(self, text: str, path: str, tree: Tree | None) -> tuple[Function, ...]:
        """See Dialect."""
        found: tuple[Function, ...] = self._part("functions").functions_in(text, path, tree)
        return found

    def find(self, found: tuple[Function, ...], name: str) -> Function | None:
        """See Dialect."""
        meant: Function | None = self._part("functions").find(found, name)
        return meant

    def fingerprint(self, source: str, path: str) -> str:
        """See Dialect."""
        digest: str = self._part("functions").fingerprint(source, path)
        return digest

    def facts(self, text: str, function: Function) -> Facts:
        """See Dialect."""
        found: Facts = self._part("facts").facts(text, function)
        return found

    def check_candidate(self, before: str, after: str, qualname: str, path: str) -> str | None:
        """See Dialect."""
        reason: str | None = self._part("gate").check_candidate(before, after, qualname, path)
        return reason

    def normalised_key(self, text: str, qualname: str, path: str) -> str:
        """See Dialect."""
        key: str = self._part("parts").normalised_key(text, qualname, path)
        return key

    def decompose(
        self, before: str, after: str, qualname: str, path: str
    ) -> tuple[tuple[TextChange, ...], ...]:
        """See Dialect."""
        groups: tuple[tuple[TextChange, ...], ...] = self._part("parts").decompose(
            before, after, qualname, path
        )
        return groups

    def rules(self) -> tuple[Rule, ...]:
        """See Dialect."""
        rules: tuple[Rule, ...] = self._part("rules.catalogue").RULES
        return rules

    def find_rules(
        self, text: str, path: str, functions: Sequence[Function], only: str | None
    ) -> tuple[Finding, ...]:
        """See Dialect."""
        found: tuple[Finding, ...] = self._part("rules.catalogue").find(text, path, functions, only)
        return found
