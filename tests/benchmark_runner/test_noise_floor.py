"""The noise floor: what a spread lets the rule find, and what proofs of copies tell."""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmark_runner.errors import WorkloadError
from benchmark_runner.measuring import noise_floor
from benchmark_runner.measuring.noise_floor import (
    built_in,
    found_share,
    measure_noise,
    smallest_gain,
)
from benchmark_runner.measuring.statistics import CPU_NOISE, LONG_NOISE, WALL_NOISE
from benchmark_runner.receipt import InputTiming, Measurement


def test_identical_code_is_not_found_and_a_large_gain_is():
    for spread in (0.002, 0.02, 0.08):
        assert found_share(1.0, spread) <= 0.01
        assert found_share(3.0, spread) == 1.0


def test_the_smallest_gain_grows_with_the_noise_until_there_is_none():
    found = [smallest_gain(spread) for spread in (0.002, 0.02, 0.05, 0.1)]
    known = [gain for gain in found if gain is not None]
    assert known == sorted(known)
    assert known[0] < 1.1 < known[-1]
    assert smallest_gain(2.0) is None


def test_by_wall_time_identical_code_is_not_found_either():
    for spread in (0.02, 0.1, 0.2):
        assert found_share(1.0, spread, WALL_NOISE) <= 0.01
    assert found_share(1.5, 0.05, WALL_NOISE) > 0.9


def test_long_calls_are_simulated_by_their_own_rule():
    assert noise_floor._noise_of(measured(0.001)) == CPU_NOISE
    assert noise_floor._noise_of(measured(0.3)) == LONG_NOISE
    assert noise_floor._noise_of(replace(measured(0.3), clock="wall")) == WALL_NOISE
    for spread in (0.02, 0.05):
        assert found_share(1.0, spread, LONG_NOISE) <= 0.01


def measured(call_s: float) -> Measurement:
    return Measurement(
        ratio=1.0, interval=(1.0, 1.0), accepted=False, confirmed=None, reason="", replicates=(),
        confirmation=(), inputs=(InputTiming(0, 0.0, call_s, call_s),), cold_ratio=None,
        wall_ratio=1.0, before_s=call_s, after_s=call_s,
    )  # fmt: skip


def test_the_built_in_function_is_proved_like_any_other():
    with built_in() as workload:
        floor = measure_noise(
            workload, python=Path(sys.executable), proofs=2, name="own", allow_unsandboxed=True
        )
    assert floor.proofs == 2
    assert len(floor.replicates) >= 8  # four pairs of processes at least for each proof
    assert floor.spread > 0.0
    assert all(0.5 < ratio < 2.0 for ratio in floor.ratios)
    assert floor.faster <= floor.proofs
    assert 0.5 < floor.most_faster <= 1.0
    assert floor.call_s > 0.0
    assert floor.environment.cores >= 1


def test_what_can_not_be_timed_is_an_error_that_says_why():
    with built_in() as workload:
        raised = "def work(rounds):\n    import os\n    return os.urandom(4)\n"
        other = noise_floor.Version.of({workload.path: raised})
        with pytest.raises(WorkloadError):
            measure_noise(
                replace(workload, before=other),
                python=Path(sys.executable), proofs=1, name="own", allow_unsandboxed=True,
            )  # fmt: skip


def test_stolen_time_is_a_share_of_all_ticks():
    assert noise_floor._steal_share((10, 1000), (30, 2000)) == pytest.approx(0.02)
    assert noise_floor._steal_share(None, (1, 2)) is None
    found = noise_floor._stolen()
    assert found is None or 0 <= found[0] <= found[1]


def test_notes_name_what_disturbs(monkeypatch):
    with built_in() as workload:
        environment = noise_floor.describe(Path(sys.executable))
        assert workload.called == "work"
    crowded = replace(environment, load=environment.cores + 3.0)
    notes = " ".join(noise_floor._notes(crowded, 0.2, 0.2, noise_floor.CPU_NOISE))
    assert "other work runs here" in notes
    assert "took 20.0% of the CPUs" in notes
    assert "20.0%, 2.5% is usual" in notes
    assert math.isfinite(crowded.load)
