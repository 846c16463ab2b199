"""All rules for C and C++, and what they find in a file."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.functions import Function
from analysis.languages import language_of
from analysis.languages.native.rules import (
    containers,
    copies,
    loops,
    numbers,
    searching,
    sorting,
    streams,
    strings,
    texts,
)
from analysis.languages.native.rules.scope import CPP, C, NativeScope
from analysis.rules.base import Finding, Rule
from analysis.rules.trees import find_in_trees

_FAMILIES = (
    searching,
    containers,
    sorting,
    strings,
    texts,
    numbers,
    loops,
    copies,
    streams,
)

RULES: tuple[Rule, ...] = tuple(rule for family in _FAMILIES for rule in family.RULES)


def find(
    text: str, path: str, functions: Sequence[Function], only: str | None
) -> tuple[Finding, ...]:
    """See analysis.rules.catalogue.find."""
    language = language_of(path).name
    return find_in_trees(
        text,
        path,
        functions,
        only,
        grammar=C if language == "c" else CPP,
        rules=[rule for rule in RULES if language in rule.languages],
        scope_class=NativeScope,
    )
