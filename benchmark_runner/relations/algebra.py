"""Polynomial relations between values of a function at related points, learned from samples.

The random self-reductions of Bitween (arXiv 2412.18134): the function is asked at x, r, x+r, x-r
and so on; monomials of degree two and less of the answers that are linearly dependent on every
sample are a relation. The null space of the matrix of monomials has all of them; its vectors are
made rational and then tested on samples that they were not learned from.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

Number = int | float
Monomial = tuple[int, ...]
"""The numbers of the queries whose answers are multiplied; () is the constant 1."""

_NULL = 1e-9
"""Singular values below this share of the largest one are zero."""
_MOST_DENOMINATOR = 64
_RATIONAL = 1e-5
_MOST_TERMS = 6
_ROUNDING = 1e-7
_MOST_EQUATIONS = 3


@dataclass(frozen=True)
class Equation:
    """A sum of products of answers that is zero: coefficients and monomials, in order.

    `names` are the queries in words ("f(x)", "f(x + r)").
    """

    names: tuple[str, ...]
    terms: tuple[tuple[Fraction, Monomial], ...]

    def holds(self, answers: Sequence[Number], tolerance: float = _ROUNDING) -> bool:
        """Whether it is zero for these answers: exactly for ints, up to rounding for floats."""
        if all(isinstance(value, int) for value in answers):
            return sum(c * math.prod(answers[i] for i in m) for c, m in self.terms) == 0
        try:
            parts = [float(c) * math.prod(float(answers[i]) for i in m) for c, m in self.terms]
            if not all(map(math.isfinite, parts)):
                return True  # infinities and NaN: nothing can be said
            total, size = math.fsum(parts), math.fsum(map(abs, parts))
        except OverflowError:
            return True  # too large for floats: the same
        return abs(total) <= tolerance * size

    def __str__(self) -> str:
        """As an equation: what is added on the left, what is taken away on the right."""
        left = [_term(self.names, c, m) for c, m in self.terms if c > 0]
        right = [_term(self.names, -c, m) for c, m in self.terms if c < 0]
        return f"{' + '.join(left) or '0'} = {' + '.join(right) or '0'}"


def _term(names: Sequence[str], coefficient: Fraction, monomial: Monomial) -> str:
    factors = [names[i] for i in monomial]
    if coefficient != 1 or not factors:
        factors.insert(0, str(coefficient))
    return "*".join(factors)


def monomials(queries: int, degree: int = 2) -> list[Monomial]:
    """All monomials of a degree and below, the highest first."""
    return [
        m
        for d in range(degree, -1, -1)
        for m in itertools.combinations_with_replacement(range(queries), d)
    ]


def samples_needed(queries: int) -> int:
    """Samples to learn from: half as many again as there are monomials, and four more."""
    return len(monomials(queries)) * 3 // 2 + 4


def learn(names: Sequence[str], samples: Sequence[Sequence[Number]]) -> tuple[Equation, ...]:
    """The simplest relations that hold on all samples; () where there are too few of them.

    `samples` has one row of answers for each draw, in the order of `names`.
    """
    terms = monomials(len(names))
    if len(samples) < samples_needed(len(names)):
        return ()
    try:
        values = np.array([[float(v) for v in row] for row in samples])
    except OverflowError:
        return ()
    if not np.isfinite(values).all() or np.ptp(values) == 0:
        return ()
    columns = [np.prod(values[:, list(m)], axis=1) if m else np.ones(len(values)) for m in terms]
    matrix = np.stack(columns, axis=1)
    scale = np.abs(matrix).max(axis=0)
    if not np.isfinite(scale).all():
        return ()
    scale[scale == 0] = 1.0
    found = []
    for vector in _reduced(_null_space(matrix / scale)):
        equation = _rational(tuple(names), vector / scale, terms)
        if equation is not None and all(equation.holds(row) for row in samples):
            found.append(equation)
    if linear := [e for e in found if max(len(m) for _, m in e.terms) == 1]:
        found = linear  # the others follow from these
    found.sort(key=lambda e: (len(e.terms), max(len(m) for _, m in e.terms), str(e)))
    return tuple(found[:_MOST_EQUATIONS])


def _null_space(matrix: np.ndarray) -> np.ndarray:
    _, singular, vectors = np.linalg.svd(matrix, full_matrices=True)
    rank = int((singular > _NULL * singular[0]).sum())
    return np.array(vectors[rank:], dtype=float)


def _reduced(basis: np.ndarray) -> np.ndarray:
    """The basis with one leading monomial a row, which no other row has: sparse, and unique."""
    rows = basis.copy()
    lead = 0
    for column in range(rows.shape[1]):
        if lead == len(rows):
            break
        pivot = lead + int(np.abs(rows[lead:, column]).argmax())
        if abs(rows[pivot, column]) < 1e-6:
            continue
        rows[[lead, pivot]] = rows[[pivot, lead]]
        rows[lead] /= rows[lead, column]
        for other in range(len(rows)):
            if other != lead:
                rows[other] -= rows[other, column] * rows[lead]
        lead += 1
    return np.array(rows[:lead])


def _rational(
    names: tuple[str, ...], vector: np.ndarray, terms: Sequence[Monomial]
) -> Equation | None:
    """The equation with small fractions as coefficients; None where they are none."""
    largest = np.abs(vector).max()
    kept = [i for i, c in enumerate(vector) if abs(c) > _RATIONAL * largest]
    if not kept or len(kept) > _MOST_TERMS:
        return None
    first = vector[kept[0]]
    found = []
    for i in kept:
        exact = float(vector[i] / first)
        fraction = Fraction(exact).limit_denominator(_MOST_DENOMINATOR)
        if abs(fraction - Fraction(exact)) > _RATIONAL * max(1.0, abs(exact)):
            return None
        found.append((fraction, terms[i]))
    whole = math.lcm(*(c.denominator for c, _ in found))
    return Equation(names, tuple((c * whole, m) for c, m in found))
