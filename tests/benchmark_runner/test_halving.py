"""Successive halving: the same best as full fidelity with fewer measurements."""

from __future__ import annotations

import math
import random
import sys
from pathlib import Path

import pytest

from benchmark_runner.measuring.halving import Rung, halve, rungs_for
from benchmark_runner.verify import FunctionBench
from benchmark_runner.workload import FunctionWorkload, InputsFile, Version

PAPER = (Rung(1), Rung(3), Rung(9))
NOISE = 0.05


class Landscape:
    """27 candidates whose true log-ratios are known; every replicate has 5 % noise."""

    def __init__(self, seed: int, count: int = 27) -> None:
        self.rng = random.Random(seed)
        self.truth = [self.rng.gauss(0.1, 0.15) for _ in range(count)]
        self.measured = 0

    def sample(self, number: int, first: int, count: int, share: float) -> list[float]:
        self.measured += count
        return [self.truth[number] + self.rng.gauss(0.0, NOISE) for _ in range(count)]

    def regret(self, number: int) -> float:
        return max(self.truth) - self.truth[number]


def full(landscape: Landscape, replicates: int) -> int:
    means = [sum(landscape.sample(number, 0, replicates, 1.0)) / replicates for number in range(27)]
    return means.index(max(means))


def regret_of(choose, seeds: int = 300) -> tuple[float, float]:  # type: ignore[no-untyped-def]
    """Mean regret, and replicates that a choice took."""
    total, measured = 0.0, 0
    for seed in range(seeds):
        landscape = Landscape(seed)
        total += landscape.regret(choose(landscape))
        measured += landscape.measured
    return total / seeds, measured / seeds


def test_halving_finds_as_good_a_candidate_as_full_fidelity_with_fewer_replicates():
    halved, few = regret_of(lambda one: halve(range(27), one.sample, PAPER).best)
    three, more = regret_of(lambda one: full(one, 3))
    nine, most = regret_of(lambda one: full(one, 9))
    print(f"regret: halving {halved:.4f} at {few:.0f}, 3 each {three:.4f} at {more:.0f}, "
          f"9 each {nine:.4f} at {most:.0f}")  # fmt: skip
    assert (few, more, most) == (63, 81, 243)
    assert halved < three
    assert halved < nine + 0.005


def test_all_candidates_come_out_ranked_and_once():
    landscape = Landscape(5)
    found = halve(range(27), landscape.sample, PAPER)
    assert sorted(found.order) == list(range(27))
    assert found.measured == landscape.measured == 63
    assert found.means[0] == max(found.means[:3])


def test_one_that_fails_is_last_and_never_wins():
    def sample(name: str, first: int, count: int, share: float) -> list[float]:
        return [] if name == "broken" else [0.1 if name == "good" else 0.0] * count

    found = halve(["broken", "good", "plain"], sample)
    assert found.best == "good"
    assert found.order[-1] == "broken"
    assert found.means[-1] == -math.inf


def test_where_sizes_grow_the_later_rungs_decide_on_large_inputs():
    """Fast on small inputs is not what the survivors are chosen by."""
    asked: list[tuple[str, int, float]] = []

    def sample(name: str, first: int, count: int, share: float) -> list[float]:
        asked.append((name, count, share))
        return [{"small": 0.5 * (1 - share), "large": 0.4 * share}.get(name, -1.0)] * count

    names = ["small", "large", *(f"slow {i}" for i in range(8))]
    found = halve(names, sample)
    assert found.best == "large"
    assert {share for _, _, share in asked} == {1 / 3, 2 / 3, 1.0}
    assert [count for name, count, _ in asked if name == "large"] == [1, 3, 9]


@pytest.mark.parametrize(
    ("count", "replicates"), [(1, [1, 3]), (2, [1, 3]), (9, [1, 3]), (10, [1, 3, 9]),
                              (27, [1, 3, 9]), (81, [1, 3, 9, 9])],
)  # fmt: skip
def test_rungs_end_when_few_are_left(count, replicates):
    rungs = rungs_for(count)
    assert [rung.replicates for rung in rungs] == replicates
    assert rungs[-1].share == 1.0


def test_nobody_is_chosen_from_nothing():
    with pytest.raises(ValueError, match="no candidates"):
        halve([], lambda *_: [])
    with pytest.raises(ValueError, match="no candidates"):
        rungs_for(0)


def test_on_real_processes_the_fastest_of_six_is_found(tmp_path: Path):
    text = (
        "def work(n):\n    t = 0\n    for i in range(int(n / {0})):\n"
        "        t += i & 7\n    return None\n"
    )
    path, given = tmp_path / "work.py", tmp_path / "given.py"
    given.write_text("def inputs():\n    return [((n,), {}) for n in (4000, 5000, 6000, 7000)]\n")
    path.write_text(text.format(1.0))
    before = Version.of({path: text.format(1.0)})
    gains = [1.0, 1.3, 3.0, 0.7, 1.1, 1.6]
    versions = [Version.of({path: text.format(gain) + "# another\n"}) for gain in gains]
    workload = FunctionWorkload(path, "work", before, InputsFile(given))
    with FunctionBench(workload, python=Path(sys.executable), allow_unsandboxed=True) as bench:
        for version in versions:
            assert bench.check(version, "user").equality == "exact"

        def sample(number: int, first: int, count: int, share: float) -> list[float]:
            after = versions[number]
            return bench.sample(before, after, first=first, count=count, share=share)

        found = halve(range(6), sample)
    assert gains[found.best] == 3.0
    assert found.measured == 6 + 2 * 3
    assert found.means[0] == pytest.approx(math.log(3.0), abs=0.3)
