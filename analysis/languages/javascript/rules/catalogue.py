"""All rules for JavaScript and TypeScript, and what they find in a file."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.functions import Function
from analysis.languages.javascript.rules import (
    growth,
    loops,
    membership,
    queues,
    recursion,
    search,
)
from analysis.languages.javascript.rules.scope import GRAMMARS, ScriptScope
from analysis.languages.javascript.syntax import grammar_name
from analysis.rules.base import Finding, Rule
from analysis.rules.trees import find_in_trees

_FAMILIES = (membership, queues, growth, search, loops, recursion)

RULES: tuple[Rule, ...] = tuple(rule for family in _FAMILIES for rule in family.RULES)


def find(
    text: str, path: str, functions: Sequence[Function], only: str | None
) -> tuple[Finding, ...]:
    """See analysis.rules.catalogue.find."""
    return find_in_trees(
        text,
        path,
        functions,
        only,
        grammar=GRAMMARS[grammar_name(path)],
        rules=RULES,
        scope_class=ScriptScope,
    )
