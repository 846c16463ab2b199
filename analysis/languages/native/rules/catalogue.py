"""All rules for C and C++, and what they find in a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

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
from analysis.languages.native.rules.scope import CPP, ONLY_CPP, C, NativeScope
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


def _of_c(rule: Rule) -> Rule:
    """A rule without the patterns that C's grammar can't read."""
    words = ("std::", *ONLY_CPP)
    return replace(rule, patterns=tuple(p for p in rule.patterns if not _holds(str(p), words)))


def _holds(text: str, words: Sequence[str]) -> bool:
    return any(word in text for word in words)


_C_RULES = tuple(_of_c(rule) for rule in RULES if "c" in rule.languages)
_CPP_RULES = tuple(rule for rule in RULES if "c++" in rule.languages)


def find(
    text: str, path: str, functions: Sequence[Function], only: str | None
) -> tuple[Finding, ...]:
    """See analysis.rules.catalogue.find."""
    is_c = language_of(path).name == "c"
    return find_in_trees(
        text,
        path,
        functions,
        only,
        grammar=C if is_c else CPP,
        rules=_C_RULES if is_c else _CPP_RULES,
        scope_class=NativeScope,
    )
