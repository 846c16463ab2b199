"""Which of the candidates that a search found is proved first: a proof takes many times longer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from benchmark_runner.measuring.halving import halve
from optimizer.protocols import Node

_NEAR = 0.15
"""Log-ratios that a search's one or two replicates can't tell apart (a replicate has a spread of 1
to 8 %, and a candidate's are added up along its path)."""
_FEWEST, _MOST = 3, 9


class Sampling(Protocol):
    """What is needed of a prover."""

    def sample(self, before: str, after: str, first: int, count: int, share: float) -> list[float]:
        """Log-ratios of fresh replicates; none where that can't be done."""


def first_to_prove(ranked: Sequence[Node], prover: Sampling, original: str) -> list[Node]:
    """The nodes, best first, where three or more lie too near to the best to be told apart.

    `ranked` are accepted nodes, the fastest first by the search. The near ones are compared with
    the original directly, by successive halving; the others stay behind them. A search measures
    against the parent, so a long path adds up its errors.
    """
    if not ranked:
        return []
    best = ranked[0].utility
    near = [node for node in ranked if best - node.utility <= _NEAR][:_MOST]
    if len(near) < _FEWEST:
        return list(ranked)

    def sample(node: Node, first: int, count: int, share: float) -> list[float]:
        return prover.sample(original, node.candidate.source, first, count, share)

    found = halve(near, sample)
    if found.measured == 0:
        return list(ranked)
    chosen = {node.id for node in near}
    return [*found.order, *(node for node in ranked if node.id not in chosen)]
