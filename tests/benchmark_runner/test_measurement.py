"""The protocol on simulated workers: the truth is known, time is computed, nothing is spawned."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest

from analysis.errors import Cancelled
from analysis.progress import CancelToken
from benchmark_runner import measurement
from benchmark_runner.measurement import (
    MOST_TIMED,
    Samples,
    cold_probe,
    confirmation,
    first_phase,
    moved_outside,
    moved_to_import,
    plan_inputs,
    slower_on,
    summarise,
    takes_more_wall,
    waits,
    weighty,
    worth_timing,
)
from benchmark_runner.timing import PAIRS, PairRun, Rates, WrongAnswer, run_pair


@dataclass(frozen=True)
class Clock:
    cpu_s: float
    wall_s: float


@dataclass(frozen=True)
class Program:
    """What a simulated version does: seconds per call by input, and its vices."""

    call_s: Sequence[float]
    waits_s: float = 0.0
    crowded: float = 0.2
    remembers: bool = False
    wrong_after: int | None = None
    deferred_s: float = 0.0
    import_s: float = 0.01


class SimulatedWorker:
    """A process with its own memory layout (a constant factor), 3 % noise and preemptions."""

    def __init__(self, program: Program, rng: random.Random) -> None:
        self.program = program
        self.rng = rng
        self.layout = math.exp(rng.gauss(0.0, 0.015))
        self.total_s = 0.0
        self.calls = 0
        self.in_line = 0.0
        self.seen: set[int] = set()
        self.staged = (0, 0)

    def stage(self, i: int, reps: int, *, encode: bool = False) -> None:
        self.staged = (i, reps)
        self.total_s += 1e-7 * reps

    def run(self) -> Clock:
        index, reps = self.staged
        full = self.program.call_s[index]
        cost = full * reps
        if self.program.remembers:
            cost = 1e-6 * reps + (0.0 if index in self.seen else full)
        self.seen.add(index)
        self.calls += reps
        cpu = cost * self.layout * math.exp(self.rng.gauss(0.0, 0.03)) + 15e-6
        if self.rng.random() < 0.1:
            cpu *= 1.5
        in_line = 0.01 if self.rng.random() < self.program.crowded else 0.0
        self.in_line += in_line
        wall = cpu + self.program.waits_s * reps + in_line
        self.total_s += cpu + self.program.deferred_s * reps
        return Clock(cpu, wall)

    def check(self, indices: Sequence[int]) -> tuple[bytes, ...]:
        limit = self.program.wrong_after
        wrong = limit is not None and self.calls > limit
        return tuple(b"wrong" if wrong else b"right" for _ in indices)

    def cpu_s(self) -> float:
        return self.total_s

    def in_line_s(self) -> float:
        return self.in_line


def replicates(
    before: Program, after: Program, seed: int = 1
) -> tuple[Callable[[int, Sequence[int]], PairRun], Rates]:
    rng = random.Random(seed)
    rates = Rates(sizes={})

    def run(replicate: int, inputs: Sequence[int]) -> PairRun:
        return run_pair(
            SimulatedWorker(before, rng),
            SimulatedWorker(after, rng),
            inputs=inputs,
            replicate=replicate,
            rates=rates,
            expected_before={},
            expected_after={},
            imports_s=(before.import_s, after.import_s),
        )

    return run, rates


def measured(before: Program, after: Program, inputs: Sequence[int], seed: int = 1) -> Samples:
    run, rates = replicates(before, after, seed)
    return first_phase(run, inputs, rates)[0]


def test_a_threefold_gain_is_measured_and_accepted() -> None:
    run, rates = replicates(Program([1e-3]), Program([1e-3 / 3]))
    samples, step = first_phase(run, [0], rates)
    held = confirmation(run, [0], len(samples.runs))
    result = summarise(samples, step, held, reason="")
    assert step == "accept"
    assert result.confirmed
    assert result.ratio == pytest.approx(3.0, rel=0.05)
    assert result.interval[0] < 3.0 < result.interval[1]
    assert len(result.replicates) == 4
    assert result.before_s == pytest.approx(1e-3, rel=0.1)


def test_identical_code_stops_at_the_first_look() -> None:
    steps = []
    for seed in range(20):
        run, rates = replicates(Program([2e-4]), Program([2e-4]), seed)
        steps.append(first_phase(run, [0], rates)[1])
    assert steps.count("stop") >= 17
    assert "accept" not in steps


def test_every_input_weighs_the_same_in_the_ratio() -> None:
    before = Program([1e-3, 2e-6, 5e-2])
    after = Program([1e-3 / 8, 2e-6, 5e-2])
    samples = measured(before, after, [0, 1, 2])
    ratio = summarise(samples, "accept", None, reason="").ratio
    assert ratio == pytest.approx(8 ** (1 / 3), rel=0.06)


@pytest.mark.parametrize("call_s", [1e-7, 1e-5, 1e-3, 0.08, 1.0])
def test_calls_of_any_length_are_measured(call_s: float) -> None:
    samples = measured(Program([call_s]), Program([call_s / 3]), [0])
    assert math.exp(samples.values()[0]) == pytest.approx(3.0, rel=0.12)
    pairs = len(samples.runs[0].pairs)
    assert pairs == (1 if call_s > 0.1 else pairs)
    assert pairs <= PAIRS


def test_windows_are_equally_long_on_both_sides() -> None:
    samples = measured(Program([4e-4]), Program([1e-5]), [0])
    run = samples.runs[-1]
    before = sum(pair.before_cpu_s * pair.before_calls for pair in run.pairs)
    after = sum(pair.after_cpu_s * pair.after_calls for pair in run.pairs)
    assert before / after == pytest.approx(1.0, rel=0.15)


def test_each_input_is_timed_equally_often() -> None:
    program = Program([1e-4] * 7)
    samples = measured(program, program, range(7))
    counts = {i: sum(p.index == i for p in samples.runs[0].pairs) for i in range(7)}
    assert len(set(counts.values())) == 1
    assert counts[0] >= 4


def test_slower_inputs_are_named_although_the_whole_is_faster() -> None:
    before = Program([1e-3, 1e-5, 1e-3, 1e-3])
    after = Program([1e-4, 1.5e-5, 1e-4, 1e-4])
    samples = measured(before, after, range(4))
    assert slower_on(samples) == (1,)
    assert samples.values()[0] > 1.0


def test_equal_inputs_are_not_named_slower() -> None:
    program = Program([1e-4] * 30)
    named = [slower_on(measured(program, program, range(30), seed)) for seed in range(10)]
    assert sum(len(found) for found in named) <= 6


def test_an_original_that_sleeps_is_seen_and_a_busy_machine_is_not_that() -> None:
    asleep = Program([1e-4], waits_s=5e-3)
    run, rates = replicates(asleep, Program([1e-5]))
    samples, step = first_phase(run, [0], rates)
    assert waits(samples)
    assert step == "stop"
    assert not waits(measured(Program([1e-4], crowded=1.0), Program([1e-5]), [0]))


def test_less_cpu_but_more_wall_time_is_seen() -> None:
    samples = measured(Program([2e-3]), Program([1e-3], waits_s=4e-3), [0])
    assert samples.values()[0] > 0.5
    assert takes_more_wall(samples)
    assert not takes_more_wall(measured(Program([2e-3]), Program([1e-3]), [0]))


def test_a_memory_of_seen_inputs_loses_its_gain_on_unseen_ones() -> None:
    before = Program([1e-3] * 6)
    memo = cold_probe([measured(before, Program([1e-3] * 6, remembers=True), range(6))])
    honest = cold_probe([measured(before, Program([1e-4] * 6), range(6))])
    assert memo.lost is not None
    assert memo.lost > 0.5
    assert memo.ratio is not None
    assert memo.ratio < 1.3
    assert honest.lost is not None
    assert honest.lost < 0.3
    assert honest.ratio == pytest.approx(10, rel=0.25)


def test_calls_too_short_to_be_timed_alone_have_no_cold_ratio() -> None:
    probe = cold_probe([measured(Program([1e-6] * 4), Program([1e-7] * 4), range(4))])
    assert probe.ratio is None
    assert probe.lost is None


def test_work_done_at_import_is_seen_with_its_number() -> None:
    lazy = Program([1e-5], import_s=0.5)
    found = moved_to_import([measured(Program([1e-3]), lazy, [0])])
    assert found == (0.01, 0.5)
    constant = Program([1e-5], import_s=0.012)
    assert moved_to_import([measured(Program([1e-3]), constant, [0])]) is None


def test_work_done_outside_the_windows_is_seen() -> None:
    late = Program([1e-4], deferred_s=9e-4)
    assert moved_outside([measured(Program([1e-3]), late, [0])]) is not None
    assert moved_outside([measured(Program([1e-3]), Program([1e-4]), [0])]) is None


def test_wrong_after_many_calls_is_caught_by_the_windows() -> None:
    run, rates = replicates(Program([1e-4]), Program([1e-5], wrong_after=300))
    with pytest.raises(WrongAnswer) as caught:
        first_phase(run, [0], rates)
    assert caught.value.side == "after"
    assert caught.value.calls > 300


def test_confirmation_ends_when_it_can_not_hold_any_more() -> None:
    run, rates = replicates(Program([1e-3]), Program([2e-3]))
    samples, _ = first_phase(run, [0], rates)
    held = confirmation(run, [0], len(samples.runs))
    assert len(held.runs) == 2
    assert summarise(samples, "accept", held, reason="").confirmed is False


def test_cancel_is_heard_between_replicates() -> None:
    token = CancelToken()
    run, rates = replicates(Program([1e-3]), Program([1e-3]))
    said: list[str] = []

    def progress(message: str, share: float | None) -> None:
        said.append(message)
        if len(said) == 2:
            token.cancel()

    with pytest.raises(Cancelled):
        first_phase(run, [0], rates, progress=progress, cancel=token)
    assert len(said) == 2


def test_the_plan_holds_out_half_with_the_largest() -> None:
    plan = plan_inputs([5.0e-3, 1e-3, 3e-3, 2e-3], [50, 10, 30, 20])
    assert plan.timed == (0, 1, 2, 3)
    assert 0 in plan.holdout
    assert len(plan.holdout) == 2
    assert not set(plan.holdout) & set(plan.selection)


def test_one_input_has_no_hold_out() -> None:
    plan = plan_inputs([1e-3], [1])
    assert plan == measurement.TimingPlan(timed=(0,), selection=(0,), holdout=())


def test_many_inputs_are_timed_by_an_even_subset() -> None:
    plan = plan_inputs([1e-6 * (200 - index) for index in range(200)], range(200))
    assert len(plan.timed) == MOST_TIMED
    gaps = [b - a for a, b in zip(plan.timed, plan.timed[1:], strict=False)]
    assert max(gaps) - min(gaps) <= 1
    assert plan.timed[0] == 0
    assert plan.timed[-1] == 199


def test_long_calls_are_timed_on_fewer_inputs() -> None:
    assert len(plan_inputs([1.0] * 12, [1] * 12).timed) == 2
    assert len(plan_inputs([0.1] * 12, [1] * 12).timed) == 4


def test_noisy_costs_choose_the_same_inputs() -> None:
    sizes = [index % 50 for index in range(200)]
    noise = random.Random(1)
    plans = {plan_inputs([3e-6 * noise.uniform(0.5, 2.0) for _ in sizes], sizes) for _ in range(20)}
    assert len(plans) == 1


def test_short_calls_do_not_outvote_the_one_that_the_run_waits_for() -> None:
    assert weighty({3: 2e-5, 4: 1.0, 5: 2e-5, 6: 3e-4}) == [4]


def test_many_short_calls_are_timed_with_a_long_one() -> None:
    costs = {**dict.fromkeys(range(150), 1e-4), 150: 5e-2}
    assert weighty(costs) == list(costs)


def test_short_calls_that_stand_for_many_are_timed() -> None:
    costs = {0: 1e-5, 1: 1e-5, 2: 1.0}
    assert weighty(costs, stands_for=10) == [2]
    assert weighty(costs, stands_for=5000) == [0, 1, 2]
    assert weighty(costs, stands_for=math.inf) == [0, 1, 2]


def test_calls_of_like_cost_are_all_timed() -> None:
    assert weighty({1: 1e-3, 2: 2e-3, 5: 8e-3}) == [1, 2, 5]
    assert weighty({0: 0.0}) == [0]


def test_no_inputs_is_an_error() -> None:
    with pytest.raises(ValueError, match="no inputs"):
        plan_inputs([], [])


def test_made_up_inputs_that_ask_for_nothing_are_not_timed() -> None:
    costs = dict.fromkeys(range(8), 0.001) | {8: 1e-7, 9: 2e-7}
    assert worth_timing(costs) == list(range(8))


def test_few_made_up_inputs_are_all_timed() -> None:
    assert worth_timing({0: 1e-3, 1: 1e-7}) == [0, 1]
