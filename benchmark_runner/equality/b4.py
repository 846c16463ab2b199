"""B4: which of several plausible codes to believe when the tests are only plausible, too.

Chen et al., "B4: Towards Optimal Assessment of Plausible Code Solutions with Plausible Tests" (ASE
2024, arXiv 2409.08692). Codes that pass the same tests form a group. For each group its codes are
supposed to be right and the tests that they pass to be valid; the score is the logarithm of how
likely the whole pass matrix is then, the four unknown rates integrated out under Beta priors. It is
the posterior's order, so no other rule chooses better where the priors hold; where valid tests are
rare it comes down to counting agreement.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

ALPHA, BETA_0 = 1e3, 1e4
"""Priors of the paper's experiments on real models: right codes and valid tests are no accident,
and a wrong code seldom passes a wrong test."""


@dataclass(frozen=True)
class Group:
    """Codes (by number) that pass exactly the same tests (by number), and their score."""

    codes: tuple[int, ...]
    tests: tuple[int, ...]
    score: float


def groups(
    passes: Sequence[Sequence[bool]], *, alpha: float = ALPHA, beta_0: float = BETA_0
) -> tuple[Group, ...]:
    """The groups of a pass matrix (codes x tests), the most believable first.

    A group that passes nothing is no group of right codes: it comes last. Raises ValueError for
    rows of unequal length.
    """
    rows = [tuple(bool(cell) for cell in row) for row in passes]
    if len({len(row) for row in rows}) > 1:
        raise ValueError("the rows of a pass matrix must be equally long")
    members: dict[tuple[bool, ...], list[int]] = {}
    for number, row in enumerate(rows):
        members.setdefault(row, []).append(number)
    found = [
        Group(
            tuple(codes),
            tuple(number for number, passed in enumerate(row) if passed),
            _score(rows, row, len(codes), alpha, beta_0) if any(row) else -math.inf,
        )
        for row, codes in members.items()
    ]
    return tuple(sorted(found, key=lambda group: -group.score))


def _score(
    rows: Sequence[tuple[bool, ...]],
    own: tuple[bool, ...],
    size: int,
    alpha: float,
    beta_0: float,
) -> float:
    """log P(matrix, this group is right), up to a constant."""
    tests, codes, valid = len(own), len(rows), sum(own)
    ones_1 = ones_0 = 0
    for row in rows:
        if row != own:
            ones_1 += sum(cell and is_valid for cell, is_valid in zip(row, own, strict=True))
            ones_0 += sum(cell and not is_valid for cell, is_valid in zip(row, own, strict=True))
    others = codes - size
    zeros_1 = others * valid - ones_1
    zeros_0 = others * (tests - valid) - ones_0
    return (
        _log_beta(valid + alpha, tests - valid + 1.0)
        + _log_beta(size + alpha, others + 1.0)
        + _log_beta(ones_1 + 1.0, zeros_1 + 1.0)
        + _log_beta(ones_0 + 1.0, zeros_0 + beta_0)
    )


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
