"""The number of slots comes from figures, and one is what counts without them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchmark_runner.errors import SandboxError
from benchmark_runner.executors import slots
from benchmark_runner.executors.slots import Disturbance, SlotsReport, choose

ALONE = Disturbance(1, 0.01, 0.001, 0.05)


@pytest.mark.parametrize(
    ("others", "chosen"),
    [
        ([], 1),
        ([Disturbance(2, 0.012, 0.0, 0.0505)], 2),
        ([Disturbance(2, 0.03, 0.0, 0.05)], 1),
        ([Disturbance(2, 0.01, 0.0, 0.06)], 1),
        ([Disturbance(2, 0.01, 0.05, 0.05)], 1),
        ([Disturbance(2, 0.03, 0.0, 0.05), Disturbance(3, 0.01, 0.0, 0.05)], 1),
        ([Disturbance(2, 0.01, 0.0, 0.05), Disturbance(3, 0.01, 0.0, 0.05)], 3),
    ],
)
def test_a_slot_is_added_only_where_it_disturbs_nothing(
    others: list[Disturbance], chosen: int
) -> None:
    assert choose([ALONE, *others]) == chosen


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def test_a_report_counts_on_its_own_machine_only() -> None:
    assert slots.measured_slots() == 1
    cores = len(os.sched_getaffinity(0))
    figures = (ALONE, Disturbance(2, 0.01, 0.0, 0.05))
    slots.keep(SlotsReport(2, cores, 1.0, figures))
    assert slots.measured_slots() == 2
    report = slots.kept_report()
    assert report is not None
    assert "2 at once: spread 1.0 %, time x1.00" in report.shown
    slots.keep(SlotsReport(2, cores + 1, 1.0, figures))
    assert slots.measured_slots() == 1


@pytest.mark.parametrize("text", ["", "[]", '{"slots": 9}', '{"slots": "x", "figures": []}'])
def test_a_damaged_report_means_one(text: str) -> None:
    slots.report_file().parent.mkdir(parents=True)
    slots.report_file().write_text(text)
    assert slots.measured_slots() == 1


def test_measuring_gives_figures_for_each_number_that_was_tried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(slots, "busy_cores", lambda: 0.0)
    report = slots.measure_slots(pairs=3)
    assert [f.at_once for f in report.figures] == list(range(1, len(report.figures) + 1))
    assert 1 <= report.slots <= len(report.figures)
    assert all(f.seconds > 0 for f in report.figures)


def test_on_a_busy_machine_nothing_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots, "busy_cores", lambda: 1.5)
    with pytest.raises(SandboxError, match=r"1\.5 cores"):
        slots.measure_slots(pairs=3)


def test_timings_that_vary_alone_tell_nothing() -> None:
    assert choose([Disturbance(1, 0.05, 0.0, 0.05), Disturbance(2, 0.02, 0.0, 0.05)]) == 1
