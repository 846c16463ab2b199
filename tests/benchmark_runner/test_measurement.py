"""The protocol on simulated workers: the truth is known, time is computed, nothing is spawned."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pytest

from analysis.errors import Cancelled
from analysis.progress import CancelToken
from benchmark_runner.measuring.decision import judge
from benchmark_runner.measuring.measurement import confirmation, first_phase, summarise
from benchmark_runner.measuring.planning import (
    MOST_TIMED,
    TimingPlan,
    plan_inputs,
    unseen_inputs,
    weighty,
    worth_timing,
)
from benchmark_runner.measuring.probes import (
    batch_probe,
    cold_note,
    cold_probe,
    leaves_threads,
    moved_outside,
    moved_to_import,
    slower_on,
    takes_more_wall,
)
from benchmark_runner.measuring.samples import Samples, clock_note, doing
from benchmark_runner.measuring.timing import PAIRS, Rates, Traits, WrongAnswer, run_pair
from benchmark_runner.measuring.windows import Account, PairRun


@dataclass(frozen=True)
class Clock:
    cpu_s: float
    wall_s: float


@dataclass(frozen=True)
class Program:
    """What a simulated version does: seconds per call by input, and its vices."""

    call_s: Sequence[float]
    waits_s: float = 0.0
    cores: float = 1.0
    threads: int = 0
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
        self.each: list[int] = []

    def stage(self, i: int, reps: int, *, encode: bool = False) -> None:
        self.staged = (i, reps)
        self.total_s += 1e-7 * reps

    def stage_each(self, indices: Sequence[int]) -> None:
        self.each = list(indices)
        self.total_s += 1e-7 * len(indices)

    def run(self) -> Clock:
        index, reps = self.staged
        full = self.program.call_s[index]
        cost = full * reps
        if self.program.remembers:
            cost = 1e-6 * reps + (0.0 if index in self.seen else full)
        if self.each:
            reps = len(self.each)
            known = [i in self.seen and self.program.remembers for i in self.each]
            costs = [self.program.call_s[i] for i in self.each]
            cost = sum(1e-6 if k else c for k, c in zip(known, costs, strict=True))
        self.seen.update(self.each or [index])
        self.each = []
        self.calls += reps
        cpu = cost * self.layout * math.exp(self.rng.gauss(0.0, 0.03)) + 15e-6
        if self.rng.random() < 0.1:
            cpu *= 1.5
        in_line = 0.01 if self.rng.random() < self.program.crowded else 0.0
        self.in_line += in_line
        wall = cpu / self.program.cores + self.program.waits_s * reps + in_line
        self.total_s += cpu + self.program.deferred_s * reps
        return Clock(cpu, wall)

    def check(self, indices: Sequence[int]) -> tuple[bytes, ...]:
        limit = self.program.wrong_after
        wrong = limit is not None and self.calls > limit
        return tuple(b"wrong" if wrong else b"right" for _ in indices)

    def cpu_s(self) -> float:
        return self.total_s

    def account(self) -> Account:
        return Account(self.in_line, 0, 1 + (self.program.threads if self.calls else 0))


def replicates(
    before: Program, after: Program, seed: int = 1, unseen: Sequence[int] = ()
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
            unseen=unseen,
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


def judged(before: Program, after: Program, seed: int = 1) -> tuple[str, Samples]:
    run, rates = replicates(before, after, seed)
    samples, step = first_phase(run, [0], rates)
    held = None
    if step == "accept":
        held = confirmation(run, [0], len(samples.runs), clock=samples.clock)
    return judge(samples, step, held).decision, samples


def test_half_the_waiting_is_twice_as_fast_by_the_wall_clock() -> None:
    decision, samples = judged(Program([1e-4], waits_s=10e-3), Program([1e-4], waits_s=5e-3))
    assert decision == "faster"
    assert samples.clock == "wall"
    assert samples.estimate().ratio == pytest.approx(2.0, rel=0.05)
    assert samples.estimate("cpu").ratio == pytest.approx(1.0, rel=0.1)
    assert samples.timings()[0].before_s == pytest.approx(10.1e-3, rel=0.05)


@pytest.mark.parametrize("crowded", [0.2, 1.0])
def test_less_computing_in_a_function_that_waits_is_worth_what_the_clock_on_the_wall_says(
    crowded: float,
) -> None:
    before = Program([1e-3], waits_s=9e-3, crowded=crowded)
    after = Program([1e-5], waits_s=9e-3, crowded=crowded)
    decision, samples = judged(before, after)
    assert samples.clock == "wall"
    assert samples.estimate().ratio == pytest.approx(10 / 9.01, rel=0.05)
    note = clock_note(samples)
    assert note is not None
    assert "the original waits for 8" in note
    same, _ = judged(Program([1e-4], waits_s=9e-3), Program([1e-5], waits_s=9e-3))
    assert decision in ("faster", "inconclusive")
    assert same == "not faster"


def test_a_busy_machine_is_no_waiting() -> None:
    samples = measured(Program([1e-4], crowded=1.0), Program([1e-5], crowded=1.0), [0])
    assert samples.clock == "cpu"
    assert doing(samples, "before").waiting < 0.05


def test_more_cores_are_judged_by_the_wall_clock_and_told() -> None:
    decision, samples = judged(Program([8e-3]), Program([8e-3], cores=1.9))
    assert decision == "faster"
    assert samples.estimate().ratio == pytest.approx(1.9, rel=0.05)
    note = clock_note(samples)
    assert note is not None
    assert "the candidate uses 1.9 cores" in note
    assert "by CPU time it is 1" in note or "by CPU time it is 0.9" in note


def test_threads_that_are_left_behind_are_counted() -> None:
    late = Program([1e-4], waits_s=1e-3, threads=2)
    samples = measured(Program([1e-4], waits_s=5e-3), late, [0])
    assert leaves_threads([samples]) == 2
    assert judge(samples, "accept", None).decision == "refused"
    both = measured(Program([1e-4], waits_s=5e-3, threads=2), late, [0])
    assert leaves_threads([both]) is None


def test_less_cpu_but_more_wall_time_is_slower() -> None:
    decision, samples = judged(Program([2e-3]), Program([1e-3], waits_s=4e-3))
    assert samples.values("cpu")[0] > 0.5
    assert decision == "slower"
    little = measured(Program([2e-3]), Program([1.85e-3], waits_s=0.42e-3), [0])
    assert little.clock == "cpu"
    assert takes_more_wall(little)
    less = measured(Program([2e-3]), Program([1.85e-3], waits_s=0.24e-3), [0])
    assert takes_more_wall(less)
    assert not takes_more_wall(measured(Program([2e-3]), Program([1e-3]), [0]))


def test_an_open_question_says_what_would_decide_it() -> None:
    run, rates = replicates(Program([1e-3]), Program([1e-3 / 1.07]))
    samples, _ = first_phase(run, [0], rates, rule=lambda values, _: "exhausted")
    found = judge(samples, "exhausted", None)
    assert found.decision == "inconclusive"
    assert "what would decide it: about " in found.reason
    assert " pairs at this spread" in found.reason


def test_long_calls_are_made_once_in_each_process() -> None:
    samples = measured(Program([0.9, 0.3]), Program([0.3, 1e-3]), [0, 1])
    first = samples.runs[0]
    assert [pair.index for pair in first.pairs if pair.index == 0] == [0]
    assert first.cpu_s < 0.9 + 0.3 + 3 * 0.3
    assert math.exp(samples.values()[0]) > 3


def test_calls_of_a_second_are_decided_by_fewer_pairs() -> None:
    run, rates = replicates(Program([1.0]), Program([0.5]))
    samples, step = first_phase(run, [0], rates)
    held = confirmation(run, [0], len(samples.runs), clock=samples.clock, once=samples.once)
    assert (len(samples.runs), len(held.runs)) == (3, 2)
    assert judge(samples, step, held).decision == "faster"


def test_the_first_call_of_a_process_is_told() -> None:
    samples = measured(Program([5e-3] * 3), Program([5e-3] * 3, remembers=True), range(3))
    result = summarise(samples, "accept", None, reason="")
    assert result.first_s is not None
    assert result.first_s[0] / result.first_s[1] == pytest.approx(1.0, rel=0.2)
    assert result.ratio > 50


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


@pytest.mark.parametrize("remembers", [True, False])
def test_short_first_calls_are_told_together(remembers: bool) -> None:
    before, after = Program([3e-5] * 50), Program([1e-5] * 50, remembers=remembers)
    run, rates = replicates(before, after, unseen=range(10, 50))
    samples, _ = first_phase(run, [0, 1, 2], rates)
    assert cold_probe([samples]).ratio is None
    probe, note = batch_probe([samples]), cold_note([samples])
    assert probe.ratio is not None
    assert probe.lost is not None
    assert probe.ratio == pytest.approx(3.0, rel=0.3)
    if remembers:
        assert probe.lost > 0.1
        assert summarise(samples, "accept", None, reason="").ratio > 10
        assert note is not None
        assert "its process had not seen" in note
    else:
        assert probe.lost < 0.1
        assert note is None


def test_short_calls_that_take_less_than_a_step_of_the_clock_have_no_ratio() -> None:
    before, after = Program([3e-5] * 50), Program([1e-5] * 50)
    run, rates = replicates(before, after, unseen=range(10, 50))
    samples, _ = first_phase(run, [0, 1, 2], rates)
    runs = [
        replace(one, batch=one.batch and replace(one.batch, after_warm_s=0.0))
        for one in samples.runs
    ]
    probe = batch_probe([replace(samples, runs=tuple(runs))])
    assert probe.ratio is None
    assert probe.lost is None


def test_a_gain_that_the_first_call_lacks_is_told() -> None:
    samples = measured(Program([5e-3]), Program([5e-3], remembers=True), [0])
    note = cold_note([samples])
    assert note is not None
    assert "the very first call of a process gains" in note


def test_unseen_inputs_are_short_and_many() -> None:
    costs = dict.fromkeys(range(60), 1e-4) | {50: 0.1}
    found = unseen_inputs(range(60), range(20), costs)
    assert len(found) == 39
    assert 50 not in found
    assert unseen_inputs(range(24), range(20), costs) == []


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
    assert len(held.runs) == 3
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
    assert plan == TimingPlan(timed=(0,), selection=(0,), holdout=())


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


def test_large_inputs_with_short_calls_are_timed_on_fewer() -> None:
    assert len(plan_inputs([1e-3] * 12, [3_000_000] * 12).timed) == 4
    assert len(plan_inputs([1e-3] * 12, [100_000] * 12).timed) == 12


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


class DrawingWorker(SimulatedWorker):
    """Calls of a window draw one after the other; `honest` ones draw what the seed gives."""

    honest = True

    def check(self, indices: Sequence[int]) -> tuple[bytes, ...]:
        return tuple(b"draw %d" % (i if self.honest else min(i, 1)) for i in indices)


class LazyDrawingWorker(DrawingWorker):
    honest = False


@pytest.mark.parametrize("kind", [DrawingWorker, LazyDrawingWorker])
def test_later_draws_of_a_window_must_be_those_of_the_original(kind: type[DrawingWorker]) -> None:
    rng = random.Random(1)

    def run() -> PairRun:
        return run_pair(
            DrawingWorker(Program([1e-4]), rng),
            kind(Program([1e-4]), rng),
            inputs=[0],
            replicate=0,
            rates=Rates(sizes={}),
            expected_before={0: b"draw 0"},
            expected_after={0: b"draw 0"},
            traits=Traits(drawing=frozenset([0])),
        )

    if kind is DrawingWorker:
        assert run().pairs
        return
    with pytest.raises(WrongAnswer) as caught:
        run()
    assert caught.value.side == "after"
