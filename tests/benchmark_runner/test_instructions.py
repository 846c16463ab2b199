"""Instruction counts: what is counted, that equal work counts the same, and what a count says."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import pytest

from benchmark_runner.instruments import counters, totals
from benchmark_runner.instruments.calls import choose_sample, compared
from benchmark_runner.instruments.totals import CountFailed, Instrument, count_binary, instrument
from benchmark_runner.verify import FunctionBench
from benchmark_runner.workload import FunctionWorkload, InputsFile, Version

counted = pytest.mark.skipif(instrument() is None, reason="no counters and no valgrind here")
PYTHON = Path(sys.executable)
TEXT = """def work(n):
    total = 0
    for i in range(int(n / {gain})):
        total += i & 7
    return None
"""
INPUTS = "def inputs():\n    return [((n,), {}) for n in (3000, 3100, 3200)]\n"


@pytest.mark.skipif(counters.probe(counters.TASK_CLOCK) is not None, reason="no perf_event_open")
def test_an_inherited_event_counts_the_programs_that_were_started_and_not_this_one():
    with counters.counting(counters.TASK_CLOCK) as count:
        sum(range(3_000_000))
        before = count.read()
        subprocess.run([sys.executable, "-c", "sum(range(1000000))"], check=True)
        after = count.read()
    assert before == 0
    assert after > 1_000_000  # a millisecond, in nanoseconds


@counted
def test_a_binary_counts_the_same_twice_and_more_for_more_work(tmp_path):
    def count(lines: int) -> int:
        given = tmp_path / "given"
        given.write_text("a line\n" * lines)
        return count_binary(["/usr/bin/sort"], cwd=tmp_path, python=PYTHON, stdin=given,
                            readable=[tmp_path])[1]  # fmt: skip

    once, again, more = count(2000), count(2000), count(4000)
    assert again == pytest.approx(once, rel=0.002)
    assert more > 1.2 * once


@counted
def test_a_program_that_fails_has_no_count(tmp_path):
    with pytest.raises(CountFailed, match="exit code 1"):
        count_binary(["/bin/false"], cwd=tmp_path, python=PYTHON, readable=[tmp_path])


def test_where_nothing_counts_it_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(totals, "instrument", lambda: None)
    with pytest.raises(CountFailed) as caught:
        count_binary(["/bin/true"], cwd=tmp_path, python=PYTHON)
    assert caught.value.code == "count-none"


@counted
@pytest.mark.parametrize(("gain", "low", "high"), [(1.0, 0.999, 1.001), (1.1, 1.08, 1.11)])
def test_calls_of_a_function_are_counted_without_its_start(tmp_path, gain, low, high):
    path, given = tmp_path / "work.py", tmp_path / "given.py"
    path.write_text(TEXT.format(gain=1.0))
    given.write_text(INPUTS)
    before = Version.of({path: TEXT.format(gain=1.0)})
    after = Version.of({path: TEXT.format(gain=gain) + "# another text\n"})
    with FunctionBench(FunctionWorkload(path, "work", before, InputsFile(given)),
                       python=PYTHON, allow_unsandboxed=True) as bench:  # fmt: skip
        assert bench.check(after, "user").equality == "exact"
        found = bench.count(before, after, log_time=math.log(1.1))
    assert low < found.ratio < high
    assert 3000 * 10 < found.before < 3200 * 2000  # rounds of one call, not of the interpreter
    assert found.agrees == (gain > 1.0)


def test_the_sample_spends_about_the_same_time_on_each_of_few_inputs():
    costs = {index: 1e-6 * 2**index for index in range(10)}
    sample = choose_sample(range(10), costs, ["pickle"] * 10)
    assert len(sample.calls) == 4
    assert {0, 9} <= set(sample.calls)
    assert sample.calls[0] > 50 * sample.calls[9]


def test_long_calls_are_not_simulated_unasked(monkeypatch):
    tool = Instrument("callgrind", 50.0, "/usr/bin/valgrind")
    monkeypatch.setattr("benchmark_runner.instruments.calls.instrument", lambda: tool)
    for call_s, short in ((1e-6, True), (1e-3, True), (30e-3, False)):
        costs = dict.fromkeys(range(3), call_s)
        assert choose_sample(range(3), costs, ["pickle"] * 3).is_short(costs) is short


@pytest.mark.parametrize(
    ("before", "after", "time", "agrees"),
    [(110, 100, 1.08, True), (100, 100, 1.08, False), (100, 110, 1.06, False),
     (100, 100.2, 1.01, True), (100, 110, 0.9, True)],
)  # fmt: skip
def test_a_count_agrees_when_it_points_the_same_way(before, after, time, agrees):
    assert compared("callgrind", before, after, math.log(time)).agrees is agrees


def test_callgrind_is_asked_for_nothing_but_the_count():
    line = totals._callgrind(Instrument("callgrind", 50.0, "/usr/bin/valgrind"))
    assert line[0] == "/usr/bin/valgrind"
    assert "--callgrind-out-file=/dev/null" in line
    assert totals._callgrind(Instrument("perf instructions:u", 1.0)) == []
