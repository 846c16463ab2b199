"""JavaScript and TypeScript as `analysis` asks for them; searches import what only they need."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from analysis.languages.javascript import functions, syntax
from analysis.syntax import Tree
from analysis.text import TextChange

if TYPE_CHECKING:
    from analysis.facts import Facts
    from analysis.functions import Function
    from analysis.languages import Dialect
    from analysis.rules.base import Finding, Rule


class ScriptDialect:
    """See analysis.languages.Dialect."""

    def parse(self, text: str, path: str, old: Tree | None) -> Tree:
        """See Dialect."""
        return syntax.parse(text, path, old)

    def functions_in(self, text: str, path: str, tree: Tree | None) -> tuple[Function, ...]:
        """See Dialect."""
        return functions.functions_in(text, path, tree)

    def find(self, found: tuple[Function, ...], name: str) -> Function | None:
        """See Dialect."""
        return functions.find(found, name)

    def fingerprint(self, source: str, path: str) -> str:
        """See Dialect."""
        return functions.fingerprint(source, path)

    def facts(self, text: str, function: Function) -> Facts:
        """See Dialect."""
        from analysis.languages.javascript.facts import facts

        return facts(text, function)

    def check_candidate(self, before: str, after: str, qualname: str, path: str) -> str | None:
        """See Dialect."""
        from analysis.languages.javascript.gate import check_candidate

        return check_candidate(before, after, qualname, path)

    def normalised_key(self, text: str, qualname: str, path: str) -> str:
        """See Dialect."""
        from analysis.languages.javascript.parts import normalised_key

        return normalised_key(text, qualname, path)

    def decompose(
        self, before: str, after: str, qualname: str, path: str
    ) -> tuple[tuple[TextChange, ...], ...]:
        """See Dialect."""
        from analysis.languages.javascript.parts import decompose

        return decompose(before, after, qualname, path)

    def rules(self) -> tuple[Rule, ...]:
        """See Dialect."""
        from analysis.languages.javascript.rules.catalogue import RULES

        return RULES

    def find_rules(
        self, text: str, path: str, functions: Sequence[Function], only: str | None
    ) -> tuple[Finding, ...]:
        """See Dialect."""
        from analysis.languages.javascript.rules.catalogue import find

        return find(text, path, functions, only)


DIALECT: Dialect = ScriptDialect()
