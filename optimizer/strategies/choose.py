"""Strategies by the name that a person gives."""

from __future__ import annotations

from analysis.errors import InputError
from optimizer.protocols import Strategy
from optimizer.strategies.beam import Beam
from optimizer.strategies.best_of_n import BestOfN

NAMES = ("beam", "best-of-n")


def choose(name: str, *, width: int, depth: int, examples: int, budget: int) -> Strategy:
    """A fresh strategy for one search. Raises InputError for an unknown name."""
    if name == "beam":
        return Beam(width, depth, examples)
    if name == "best-of-n":
        return BestOfN(budget)
    raise InputError(
        f"unknown strategy {name!r}",
        code="strategy-unknown",
        mend=f"use one of: {', '.join(NAMES)}",
    )
