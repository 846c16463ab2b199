from __future__ import annotations

import math

import pytest

from analysis.edits import AtomicEdit
from analysis.errors import InputError
from optimizer.budget import Budget
from optimizer.driver import Driver, Parts
from optimizer.protocols import Candidate, Evaluation, Node, Observation, Proposal
from optimizer.strategies.beam import Beam
from optimizer.strategies.best_of_n import BestOfN
from optimizer.strategies.choose import choose
from tests.optimizer.landscape import STEP, ToyRetriever, mean_speedup, search

SEEDS = range(120)


def test_retrieval_by_description_beats_code_beats_none_where_edits_chain() -> None:
    contextual, code, none = (
        mean_speedup([search(Beam(), retriever, seed, 5) for seed in SEEDS])
        for retriever in (ToyRetriever("description"), ToyRetriever("code"), None)
    )
    assert contextual > 1.5 * code > 1.5 * none > 1.5


def test_search_beats_one_step_at_the_same_number_of_calls() -> None:
    beam = mean_speedup([search(Beam(), ToyRetriever("description"), s, 5) for s in SEEDS])
    once = mean_speedup([search(BestOfN(32), ToyRetriever("description"), s, 5) for s in SEEDS])
    assert beam > 2 * once


def test_search_gains_nothing_where_there_is_nothing_to_chain() -> None:
    beam = mean_speedup([search(Beam(), ToyRetriever("description"), s, 1) for s in SEEDS])
    once = mean_speedup([search(BestOfN(32), ToyRetriever("description"), s, 1) for s in SEEDS])
    assert beam == pytest.approx(once, rel=0.02)
    assert beam == pytest.approx(STEP, rel=0.02)


# The edit with the largest gain blocks all others, the second one all but one.
GAINS = {"": 1.0, "a": 1.8, "b": 1.6, "bx": 1.3, "c": 1.2, "cy": 1.6, "cyz": 1.7, "d": 0.9}


class DeadEnds:
    def propose(self, seen: Observation, n: int) -> Proposal:
        at = seen.node.candidate.source
        moves = sorted(m for m in GAINS if len(m) == len(at) + 1 and m.startswith(at))
        edit = AtomicEdit("t", "d", (), "rule", "toy")
        return Proposal(
            tuple(Candidate(m, (*seen.node.candidate.edits, edit), m) for m in moves[:n])
        )

    def evaluate(self, candidate: Candidate, parent: Node) -> Evaluation:
        gain = GAINS[candidate.source]
        return Evaluation("timing", gain > 1, None, parent.utility + math.log(gain), gain)


@pytest.mark.parametrize(("width", "best"), [(1, "a"), (2, "bx"), (4, "cyz")])
def test_a_wider_beam_gets_out_of_dead_ends(width: int, best: str) -> None:
    toy = DeadEnds()
    found = Driver(Parts(Beam(width), toy, toy), Budget(64)).run(Candidate("", (), ""))
    assert found.best.candidate.source == best


def test_beam_accepts_only_what_is_faster_than_its_parent() -> None:
    toy = DeadEnds()
    found = Driver(Parts(Beam(8), toy, toy), Budget(64)).run(Candidate("", (), ""))
    assert all(n.parent is None or n.parent.candidate.source != "d" for n in found.tree)


def test_depth_ends_the_beam() -> None:
    toy = DeadEnds()
    found = Driver(Parts(Beam(4, depth=2), toy, toy), Budget(64)).run(Candidate("", (), ""))
    assert max(n.depth for n in found.tree) == 2


def test_an_unknown_strategy_names_those_that_there_are() -> None:
    with pytest.raises(InputError) as caught:
        choose("mcts", width=1, depth=4, examples=8, budget=32)
    assert "beam" in caught.value.mend
