"""What a case gains: how pairs are read, what is called, what is kept, and who is to blame."""

from __future__ import annotations

import math
import random
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from analysis.errors import AnalysisError, Cancelled
from analysis.progress import CancelToken
from analysis.rules.cases import Case, Measure
from analysis.rules.evidence import Gain, read_table, write_table
from benchmark_runner.interpreters import interpreter_at
from benchmark_runner.measuring.samples import Samples
from benchmark_runner.measuring.windows import PairOfWindows, PairRun
from benchmark_runner.rule_gains.program import raced
from benchmark_runner.rule_gains.python import by_size, function_and_inputs
from benchmark_runner.rule_gains.reading import MOST, enough, read
from benchmark_runner.rule_gains.run import (
    Job,
    Ledger,
    Outcome,
    jobs_for,
    measure_all,
    measure_one,
    missing_libraries,
)
from benchmark_runner.rule_gains.targets import Target, all_targets, python_target, tool_target

OWN = interpreter_at(Path(sys.executable))
SLOW = "def same(xs):\n    return [x for x in xs if x in list(xs)]\n"
FAST = "def same(xs):\n    return list(xs)\n"


def a_case(before: str = SLOW, after: str = FAST, **other: object) -> Case:
    case = Case(
        Path("same.txt"), "same", "same", "python", ".py", before, after, "", (), (),
        Measure((2, 4, 30), ("same(list(range(n)))",)),
    )  # fmt: skip
    return replace(case, **other)


def a_job(case: Case | None = None) -> Job:
    case = case or a_case()
    assert case.measure is not None
    return Job(case, case.measure, python_target(OWN))


def rows(job: Job) -> tuple[Gain, ...]:
    case = job.case
    return tuple(
        Gain(case.rule, case.name, job.target.name, size, 2.0, 1.5, 2.5, True, case.digest)
        for size in job.measure.sizes
    )


# -- reading


def readings(true: float, spread: float, wild: float = 0.0, count: int = 2000) -> Iterator[bool]:
    """Whether the interval holds the truth, for simulated cases; `wild` pairs lie far off."""
    rng = random.Random(f"{true} {spread} {wild}")
    for _ in range(count):
        values: list[float] = []
        while not values or not enough(values):
            sd = spread * (3 if rng.random() < wild else 1)
            values.append(rng.gauss(math.log(true), sd))
        found = read(values)
        yield found.low <= true <= found.high


@pytest.mark.parametrize("spread", [0.004, 0.025, 0.05, 0.1])
@pytest.mark.parametrize("true", [1.0, 1.02, 1.1, 3.0])
def test_intervals_miss_the_truth_in_a_twentieth_of_the_cases(true: float, spread: float) -> None:
    missed = sum(not holds for holds in readings(true, spread))
    assert missed / 2000 <= 0.06  # 5 % and what 2000 draws may differ by


def test_a_disturbed_pair_in_ten_does_not_make_claims() -> None:
    missed = sum(not holds for holds in readings(1.0, 0.03, wild=0.1))
    assert missed / 2000 <= 0.06


def test_what_is_clear_ends_early_and_what_is_not_takes_all_pairs() -> None:
    assert enough([1.0, 1.01, 0.99, 1.0, 1.02])
    assert enough([0.0, 0.01, -0.01, 0.0, 0.005])
    assert not enough([0.04, 0.05, 0.06, 0.05, 0.04])
    assert not enough([1.0] * 4)
    assert enough([0.05] * MOST)


def test_one_pair_is_no_reading() -> None:
    with pytest.raises(ValueError, match="no spread"):
        read([0.1])


def test_sizes_are_told_apart_and_their_calls_weigh_the_same() -> None:
    def pair(index: int, ratio: float) -> PairOfWindows:
        return PairOfWindows(index, ratio, 1.0, ratio, 1.0, 1, 1)

    pairs = tuple(pair(index, ratio) for index, ratio in enumerate([2, 8, 1, 1, 0.25, 0.25]))
    samples = Samples([PairRun(pairs, (), 0, 0, 0, 0, 0, 0)])
    small, middle, large = by_size(samples, lines=2)
    assert [math.exp(values[0]) for values in (small, middle, large)] == pytest.approx([4, 1, 0.25])


# -- what is called


def test_the_calls_of_a_function() -> None:
    case = a_case()
    assert case.measure is not None
    function, text = function_and_inputs(case, case.measure)
    assert function == "same"
    assert "for n in (2, 4, 30):\n        yield _given(list(range(n)))\n" in text


def test_the_calls_of_a_method_get_their_object_first() -> None:
    measure = Measure((1, 2, 3), ("Box(n).add(3, times=n)", "Box(2).add(n)"))
    function, text = function_and_inputs(a_case(), measure)
    assert function == "Box.add"
    assert "yield _given(Box(n), 3, times=n)\n        yield _given(Box(2), n)\n" in text


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (("same(n", ), "no Python"),
        (("n + 1",), "no call"),
        (("a.b.c(n)",), "neither a function nor a method"),
        (("same(n)", "other(n)"), "several functions"),
    ],
)  # fmt: skip
def test_lines_that_can_t_be_measured(lines: tuple[str, ...], said: str) -> None:
    with pytest.raises(AnalysisError, match=said) as error:
        function_and_inputs(a_case(), Measure((1, 2, 3), lines))
    assert error.value.code == "case-damaged"


# -- measuring


def test_a_case_has_a_row_for_each_size() -> None:
    outcome = measure_one(a_job())
    assert outcome.skipped is None
    assert [gain.size for gain in outcome.gains] == [2, 4, 30]
    for gain in outcome.gains:
        assert (gain.rule, gain.case, gain.equal) == ("same", "same", True)
        assert gain.target == f"cpython-{sys.version_info[0]}.{sys.version_info[1]}"
        assert gain.digest == a_case().digest
        assert 0 < gain.low <= gain.ratio <= gain.high


def test_versions_that_differ_have_rows_that_say_so() -> None:
    wrong = "def same(xs):\n    return list(xs)[:10]\n"
    outcome = measure_one(a_job(a_case(after=wrong)))
    assert "not equal" in str(outcome.skipped)
    assert [gain.equal for gain in outcome.gains] == [False] * 3
    assert all(gain.slower and not gain.faster for gain in outcome.gains)


def test_a_case_that_fails_is_skipped_with_the_reason() -> None:
    outcome = measure_one(a_job(a_case(before="1 / 0\n" + SLOW)))
    assert outcome.gains == ()
    assert "ZeroDivisionError" in str(outcome.skipped)


def test_a_library_that_is_not_there_is_named() -> None:
    text = "import json.decoder\nimport no_such_library.part as x\nfrom . import y\n" + SLOW
    case = a_case(before=text)
    assert missing_libraries(case, OWN.path) == ("no_such_library",)
    outcome = measure_one(a_job(case))
    assert outcome.skipped == f"{python_target(OWN).name} has no no_such_library"


C_CODE = "#include <stdio.h>\n\nlong f(long n) {{ long s = 0; {} return s; }}\n"
C_LOOP = "for (volatile long i = 0; i < n; i++) s += i % 7;"
C_SHORT = "s = n / 7 * 21; for (long i = n / 7 * 7; i < n; i++) s += i % 7;"
C_MAIN = 'int main(void) { long n; scanf("%ld", &n); printf("%ld\\n", f(n)); return 0; }\n'
JS_LOOP = "function f(n) { let s = 0; for (let i = 0; i < n; i++) s += i % 7; return s; }\n"
JS_SHORT = "function f(n) { return n < 7 ? n * (n - 1) / 2 : f(n % 7) + Math.floor(n / 7) * 21; }\n"
JS_MAIN = "console.log(f(+require('fs').readFileSync(0, 'utf8')));\n"


def test_a_program_is_timed_where_its_runs_are_long_enough() -> None:
    target = tool_target("c")
    if target is None:
        pytest.skip("no gcc here")
    case = a_case(
        C_CODE.format(C_LOOP), C_CODE.format(C_SHORT), language="c", suffix=".c", main=C_MAIN,
        measure=Measure((10, 20, 4_000_000), ("{n}",)),
    )  # fmt: skip
    [job] = jobs_for([case], [target])
    outcome = measure_one(job)
    assert outcome.skipped is None
    assert outcome.short == (10, 20)
    assert [gain.size for gain in outcome.gains] == [4_000_000]


class FakeRace:
    """Programs that take these CPU seconds, (before, after) for each size."""

    def __init__(self, took: list[tuple[float, float]]) -> None:
        self.took, self.cases = took, dict(enumerate(took))
        self.asked: list[list[int]] = []

    def __call__(self, replicate: int, inputs: list[int]) -> PairRun:
        self.asked.append(inputs)
        pairs = [PairOfWindows(i, *self.took[i], *self.took[i], 1, 1) for i in inputs]
        return PairRun(tuple(pairs), (), 0, 0, 0, 0, 0, 0)


def test_what_starting_a_program_takes_is_taken_off() -> None:
    runner = SimpleNamespace(run=lambda program, case: SimpleNamespace(cpu_s=0.001))
    race = FakeRace([(0.0011, 0.0014), (0.011, 0.006), (0.101, 0.001)])
    small, middle, large = raced(race, runner, None)
    assert small is None
    assert middle is not None
    assert middle.ratio == pytest.approx(2.0)
    assert large is not None
    assert large.ratio == pytest.approx(200.0)  # the least that can be told, a quarter of 2 ms
    assert [len(inputs) for inputs in race.asked] == [3, 3, 3, 2, 2]


def test_a_program_of_node_runs_and_is_compared() -> None:
    target = tool_target("javascript")
    if target is None:
        pytest.skip("no node here")
    case = a_case(
        JS_LOOP, JS_SHORT.replace("21", "22"), language="javascript", suffix=".js", main=JS_MAIN,
        measure=Measure((1, 2, 20), ("{n}",)),
    )  # fmt: skip
    [job] = jobs_for([case], [target])
    differs = measure_one(job)
    assert "at n = 20: line 1: '57', now '59'" in str(differs.skipped)
    fails = measure_one(replace(job, case=replace(case, before="throw new Error('no')\n")))
    assert "Error: no" in str(fails.skipped)


# -- many of them


def test_every_case_on_every_target_of_its_language() -> None:
    here = python_target(OWN)
    other = Target("node-20", "javascript", Path("/usr/bin/node"), "20.1.2")
    silent = a_case(measure=None)
    script = a_case(language="javascript")
    found = jobs_for([a_case(), silent, script], [here, other])
    assert [(job.case.language, job.target.name) for job in found] == [
        ("python", here.name),
        ("javascript", "node-20"),
    ]


def test_the_own_interpreter_is_among_all_targets_and_each_version_once() -> None:
    found = all_targets(OWN)
    assert python_target(OWN) in found
    assert len({target.name for target in found}) == len(found)
    for name in ("gcc", "g++", "node"):
        there = any(target.name.startswith(f"{name}-") for target in found)
        assert there == (shutil.which(name) is not None)


def test_rows_are_kept_as_they_come_and_the_next_run_goes_on(tmp_path: Path) -> None:
    table = tmp_path / "deep" / "table.json"
    first, second = a_case(), a_case(name="other")
    job = a_job(first)
    gains = rows(job)
    ledger = Ledger(table, [job.target], [first, second])
    ledger.add(Outcome(job, gains))
    assert read_table(table).gains == gains
    assert read_table(table).targets == {job.target.name: job.target.version}
    again = Ledger(table, [job.target], [first, second])
    assert again.has(job)
    assert not again.has(a_job(second))
    again.add(Outcome(job, skipped="no reason"))
    assert read_table(table).gains == gains
    again.add(Outcome(job, gains[1:], short=(2,)))
    assert read_table(table).gains == gains[1:]
    assert [row.size for row in read_table(table).short] == [2]
    assert Ledger(table, [job.target], [first, second]).has(job)
    again.add(Outcome(job, gains))
    assert (read_table(table).gains, read_table(table).short) == (gains, ())
    assert [path.name for path in table.parent.iterdir()] == ["table.json"]


def test_a_case_that_was_changed_is_measured_anew(tmp_path: Path) -> None:
    table = tmp_path / "table.json"
    job = a_job()
    Ledger(table, [job.target], [job.case]).add(Outcome(job, rows(job)[1:], short=(2,)))
    changed = a_job(a_case(after=FAST + "\n"))
    ledger = Ledger(table, [job.target], [changed.case])
    assert not ledger.has(changed)
    assert (ledger.table.gains, ledger.table.short) == ((), ())


def test_rows_of_another_processor_keep_its_name_in_the_table(tmp_path: Path) -> None:
    table = tmp_path / "table.json"
    first, second = a_job(), a_job(a_case(name="other"))
    cases = [first.case, second.case]
    Ledger(table, [first.target], cases).add(Outcome(first, rows(first)))
    here = read_table(table)
    write_table(table, replace(here, machine={**here.machine, "cpu": "A Processor"}))
    Ledger(table, [first.target], cases).add(Outcome(second, rows(second)))
    both = f"A Processor and {here.machine['cpu']}"
    assert read_table(table).machine["cpu"] == both
    assert Ledger(table, [first.target], cases).table.machine["cpu"] == both


def test_a_cancel_ends_what_runs_and_keeps_what_was_done() -> None:
    kept: list[Outcome] = []
    token = CancelToken()

    def keep(outcome: Outcome) -> None:
        kept.append(outcome)
        token.cancel()

    skipped = a_job(a_case(before="import no_such_library\n" + SLOW))
    with pytest.raises(Cancelled):
        measure_all([skipped, *[a_job()] * 50], keep, cancel=token)
    assert [outcome.job for outcome in kept] == [skipped]


def test_what_keeping_raises_ends_the_run() -> None:
    def keep(outcome: Outcome) -> None:
        raise OSError("disk full")

    skipped = a_job(a_case(before="import no_such_library\n" + SLOW))
    with pytest.raises(OSError, match="disk full"):
        measure_all([skipped] * 3, keep, at_once=2)


def test_a_case_that_can_t_even_be_parsed_ends_no_other(caplog: pytest.LogCaptureFixture) -> None:
    kept: list[Outcome] = []
    broken = a_job(a_case(before="def ("))
    lacking = a_job(a_case(before="import no_such_library\n" + SLOW))
    measure_all([broken, lacking], kept.append)
    assert [outcome.gains for outcome in kept] == [(), ()]
    assert "SyntaxError" in str(kept[0].skipped)
    assert "same on cpython" in caplog.text
