"""Successive halving: many candidates are measured a little, the best of them again and longer.

One round of Hyperband (Li et al. 2018, JMLR 18(185), algorithm 1, inner loop) with a fidelity of
two parts: how many pairs of processes are timed, and how far up in size the inputs go. A third of
the candidates (two at least) stays after each rung, by the mean of paired log-ratios against the
original. What a rung measured counts in the next one where the inputs stay the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

ETA = 3
_MOST_REPLICATES = 9


@dataclass(frozen=True)
class Rung:
    """A fidelity: pairs of processes in all, and the share of the inputs (0 to 1, by cost)."""

    replicates: int
    share: float = 1.0


Sample = Callable[[T, int, int, float], Sequence[float]]
"""Log-ratios of a candidate: (candidate, number of the first replicate, how many, share of the
inputs). None of them where it failed while it was timed."""


@dataclass(frozen=True)
class Halved(Generic[T]):
    """`order` is best first: the survivors of the last rung, then of the one before.

    `measured` is the number of replicates that were spent; `means` the last mean log-ratio of each
    candidate, in the order of `order` (-inf: it failed).
    """

    order: tuple[T, ...]
    means: tuple[float, ...]
    measured: int

    @property
    def best(self) -> T:
        """The winner."""
        return self.order[0]


def rungs_for(count: int, eta: int = ETA, *, sizes: bool = True) -> tuple[Rung, ...]:
    """The rungs for so many candidates: 1, eta, eta² ... replicates until few are left; two at
    least.

    With `sizes` the inputs grow with the rungs. Raises ValueError without candidates.
    """
    if count < 1:
        raise ValueError("no candidates to choose from")
    steps = 2
    while eta**steps < count:
        steps += 1
    return tuple(
        Rung(min(eta**step, _MOST_REPLICATES), (step + 1) / steps if sizes else 1.0)
        for step in range(steps)
    )


def halve(
    candidates: Sequence[T],
    sample: Sample[T],
    rungs: Sequence[Rung] | None = None,
    eta: int = ETA,
) -> Halved[T]:
    """Rank the candidates with few measurements. Raises ValueError without candidates.

    Candidates must be equal to the original already: only their time is judged. The order says
    where to look first; it is no claim.
    """
    plan = rungs_for(len(candidates), eta) if rungs is None else rungs
    if not candidates:
        raise ValueError("no candidates to choose from")
    alive = list(range(len(candidates)))
    values: dict[int, list[float]] = {number: [] for number in alive}
    means = dict.fromkeys(alive, -math.inf)
    left: list[int] = []
    spent, share = 0, plan[0].share
    for place, rung in enumerate(plan):
        done = 0 if rung.share != share else len(values[alive[0]])
        share = rung.share
        for number in alive:
            kept = values[number] if done else []
            first = done or sum(one.replicates for one in plan[:place])
            fresh = list(sample(candidates[number], first, rung.replicates - done, share))
            spent += len(fresh)
            values[number] = [*kept, *fresh]
            means[number] = _mean(values[number]) if fresh or kept else -math.inf
        alive.sort(key=lambda number: -means[number])
        keep = max(2, len(alive) // eta) if place + 1 < len(plan) else len(alive)
        left[:0] = alive[keep:]
        alive = alive[:keep]
    order = [*alive, *left]
    return Halved(
        tuple(candidates[number] for number in order),
        tuple(means[number] for number in order),
        spent,
    )


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
