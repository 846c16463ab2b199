"""All rules for C and C++, and what they find in a file."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.functions import Function
from analysis.rules.base import Finding, Rule

RULES: tuple[Rule, ...] = ()


def find(
    text: str, path: str, functions: Sequence[Function], only: str | None
) -> tuple[Finding, ...]:
    """See analysis.rules.catalogue.find."""
    return ()
