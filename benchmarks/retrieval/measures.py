"""Measures of a ranking, and intervals by bootstrap over the queries."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

ROUNDS = 4000
SEED = 20261130


@dataclass(frozen=True)
class Interval:
    """A mean over queries with its 95 % interval (percentile bootstrap)."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:.3f} [{self.low:.3f}, {self.high:.3f}]"


def ndcg(gains: Sequence[float], ideal: Sequence[float], k: int) -> float:
    """Normalised discounted cumulative gain at k (Järvelin and Kekäläinen 2002).

    `gains` are those of the items as they are ranked, `ideal` those of all items.
    """
    best = _dcg(sorted(ideal, reverse=True), k)
    return _dcg(gains, k) / best if best else 0.0


def _dcg(gains: Sequence[float], k: int) -> float:
    return math.fsum(gain / math.log2(place + 1) for place, gain in enumerate(gains[:k], 1))


def recall(gains: Sequence[float], ideal: Sequence[float], k: int) -> float:
    """Share of the relevant items, or of k if there are more, that stand in the first k."""
    relevant = sum(gain > 0 for gain in ideal)
    return sum(gain > 0 for gain in gains[:k]) / min(k, relevant) if relevant else 0.0


def gain_of(asked: frozenset[str], other: frozenset[str], idf: Mapping[str, float]) -> float:
    """Share of the weight of the labels asked for that another item has, 0 to 1."""
    whole = math.fsum(idf[label] for label in asked)
    return math.fsum(idf[label] for label in asked & other) / whole if whole else 0.0


def interval(values: Sequence[float]) -> Interval:
    """The mean with its interval."""
    array = np.asarray(values, dtype=float)
    rng = np.random.default_rng(SEED)
    picks = rng.integers(0, len(array), size=(ROUNDS, len(array)))
    low, high = np.percentile(array[picks].mean(axis=1), [2.5, 97.5])
    return Interval(float(array.mean()), float(low), float(high))


def paired(values: Sequence[float], others: Sequence[float]) -> Interval:
    """The mean difference of two methods on the same queries, with its interval."""
    return interval([a - b for a, b in zip(values, others, strict=True)])
