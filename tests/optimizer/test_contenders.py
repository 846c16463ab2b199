"""Which candidate is proved first."""

from __future__ import annotations

import math

from analysis.edits import AtomicEdit
from optimizer.contenders import first_to_prove
from optimizer.protocols import Candidate, Evaluation, Node


def node(number: int, utility: float) -> Node:
    name = f"text {number}"
    edit = AtomicEdit(name, "d", (), "rule", "r")
    evaluation = Evaluation("timing", True, None, utility, math.exp(utility))
    return Node(number, None, Candidate(name, (edit,), name), evaluation, 1)


class Told:
    """Gives each text its true log-ratio, and remembers who was measured."""

    def __init__(self, truth: dict[str, float]) -> None:
        self.truth = truth
        self.asked: list[str] = []

    def sample(self, before: str, after: str, first: int, count: int, share: float) -> list[float]:
        assert before == "original"
        self.asked.append(after)
        return [self.truth[after]] * count if after in self.truth else []


def test_near_ones_are_compared_with_the_original_and_the_truly_fastest_comes_first():
    ranked = [node(1, 1.02), node(2, 1.0), node(3, 0.95), node(4, 0.2)]
    told = Told({"text 1": 0.8, "text 2": 0.9, "text 3": 1.0})
    found = first_to_prove(ranked, told, "original")
    assert [one.id for one in found] == [3, 2, 1, 4]
    assert "text 4" not in told.asked


def test_a_clear_winner_costs_no_measurement():
    ranked = [node(1, 2.0), node(2, 1.0), node(3, 0.95)]
    told = Told({})
    assert first_to_prove(ranked, told, "original") == ranked
    assert told.asked == []


def test_where_a_bench_has_no_fidelities_the_search_s_order_stays():
    ranked = [node(1, 1.02), node(2, 1.0), node(3, 0.95)]
    assert first_to_prove(ranked, Told({}), "original") == ranked
    assert first_to_prove([], Told({}), "original") == []
