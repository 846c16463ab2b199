"""The decision on pairs of runs, on simulated readings with known truth."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import pytest

from benchmark_runner.measuring.statistics import Step, look
from benchmark_runner.project.metrics import Metric, Reading
from benchmark_runner.project.pairs import NOISE, PairOfRuns, Runs, hides_time, judge, summarise
from benchmark_runner.receipt import Decision


def reading(values: dict[str, float], total: float | None = 1.0) -> Reading:
    each = None if total is None else total / len(values)
    return Reading("x", tuple(Metric(n, v, "s", each) for n, v in values.items()))


def pair(ratios: Sequence[float], *, wall: tuple[float, float] = (1.5, 1.5), higher: bool = False):
    before = reading({f"b{n}": 1.0 for n in range(len(ratios))})
    after = reading({f"b{n}": ratio if higher else 1 / ratio for n, ratio in enumerate(ratios)})
    return PairOfRuns(before, after, *wall, 2.0, higher)


def decide(random_: random.Random, truth: float, spread: float) -> Decision:
    def draw() -> PairOfRuns:
        return pair([truth * math.exp(random_.gauss(0, spread))])

    first, step = Runs(), "continue"
    while step == "continue":
        first.pairs.append(draw())
        step = look(first.values(), NOISE)
    confirmed = Runs([draw() for _ in range(NOISE.confirm)]) if step == "accept" else None
    return judge(first, step, confirmed, 600.0).decision


def share(truth: float, spread: float, wanted: Decision) -> float:
    random_ = random.Random(7)
    return sum(decide(random_, truth, spread) == wanted for _ in range(1500)) / 1500


@pytest.mark.parametrize("spread", [0.01, 0.04, 0.1])
def test_the_same_code_is_hardly_ever_faster(spread: float) -> None:
    assert share(1.0, spread, "faster") <= 0.01


@pytest.mark.parametrize(("truth", "spread", "least"), [(1.1, 0.03, 0.85), (1.3, 0.08, 0.85)])
def test_a_true_gain_is_found(truth: float, spread: float, least: float) -> None:
    assert share(truth, spread, "faster") >= least


def test_a_loss_is_slower() -> None:
    assert share(0.8, 0.04, "slower") >= 0.95


def test_a_rate_counts_the_other_way_round() -> None:
    assert pair([2.0], higher=True).log_ratio == pytest.approx(math.log(2))
    assert pair([2.0]).log_ratio == pytest.approx(math.log(2))


def test_a_benchmark_that_got_slower_is_named_and_each_weighs_the_same() -> None:
    runs = Runs([pair([4.0, 0.5]) for _ in range(4)])
    assert runs.slower_on() == (1,)
    assert [t.name for t in runs.timings()] == ["b0", "b1"]
    assert runs.estimate().ratio == pytest.approx(math.sqrt(2))
    assert Runs(runs.pairs[:3]).slower_on() == ()


def test_time_that_the_benchmark_does_not_see_is_no_gain() -> None:
    honest = Runs([pair([4.0], wall=(1.5, 1.6)) for _ in range(4)])
    hiding = Runs([pair([4.0], wall=(1.5, 4.5)) for _ in range(4)])
    assert hides_time([honest]) is None
    assert "does not look" in (hides_time([hiding]) or "")
    assert judge(hiding, "accept", hiding, 600.0).decision == "refused"


@pytest.mark.parametrize(
    ("count", "fresh", "step", "words"),
    [
        (0, None, "exhausted", "no pair"),
        (2, None, "exhausted", "5 more (15 s"),
        (4, 1, "accept", "before it was confirmed"),
    ],
)
def test_what_would_decide_it_is_told(
    count: int, fresh: int | None, step: Step, words: str
) -> None:
    first = Runs([pair([1.5]) for _ in range(count)])
    confirmed = None if fresh is None else Runs([pair([1.5]) for _ in range(fresh)])
    judged = judge(first, step, confirmed, 600.0)
    assert judged.decision == "inconclusive"
    assert words in judged.reason


def test_the_measurement_has_the_benchmarks_own_unit() -> None:
    found = summarise(Runs([pair([2.0]) for _ in range(4)]), "accept", None, "r")
    assert (found.clock, found.unit, found.before_s, found.after_s) == ("metric", "s", 1.0, 0.5)
