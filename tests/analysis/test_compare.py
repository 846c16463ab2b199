"""Two profiles compared."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.profiles.compare import (
    Change,
    Comparison,
    _newcombe,
    compare_profiles,
    samples_of,
)
from analysis.profiles.model import FunctionCost, Profile, StackCost
from analysis.profiles.opened import Opened
from analysis.profiles.sources import Sources

BEFORE = """\
def slow(xs):
    return [x for x in xs if x in list(xs)]

def same(x):
    return x

def old(x):
    return -x
"""
AFTER = """\
import os

def fast(xs):
    return [x for x in xs if x in list(xs)]

def same(x):
    return x + 0

def extra(x):
    return +x
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "m.py").write_text(AFTER)
    return tmp_path


def opened(
    workspace: Path,
    text: str | None,
    costs: dict[tuple[str, int], float],
    *,
    unit: str = "seconds",
    samples: bool = False,
    total: float | None = None,
    tool: str = "cProfile",
) -> Opened:
    path = str(workspace / "m.py")
    functions = tuple(FunctionCost(path, n, line, c, c, c, 1) for (n, line), c in costs.items())
    whole = sum(costs.values()) if total is None else total
    stacks = [StackCost((0,), whole - 1), StackCost((1,), 1)] if samples else []
    profile = Profile(tool, unit, whole, functions, sampled=samples, stacks=tuple(stacks))
    sources = Sources(workspace, {}, texts={} if text is None else {"m.py": text})
    return Opened(workspace / "p", profile, sources, None)


def by_name(comparison: Comparison) -> dict[str, Change]:
    return {c.function: c for c in comparison.changes}


def test_functions_are_matched_over_edits_and_renames(workspace):
    found = compare_profiles(
        opened(workspace, BEFORE, {("slow", 1): 6.0, ("same", 4): 3.0, ("old", 7): 1.0}),
        opened(workspace, AFTER, {("fast", 3): 2.0, ("same", 6): 3.0, ("extra", 9): 0.5}),
        workspace,
    )
    assert (found.unit, found.ratio) == ("seconds", pytest.approx(10 / 5.5))
    changes = by_name(found)
    assert [c.function for c in found.changes] == ["fast", "old", "extra", "same"]
    fast = changes["fast"]
    assert (fast.name_before, fast.code, fast.verdict) == ("slow", "same", "less")
    assert (fast.difference, fast.interval, fast.line) == (-4.0, None, 3)
    assert fast.before is not None
    assert fast.after is not None
    assert (fast.before.direct_share, fast.after.self_cost) == (0.6, 2.0)
    assert (changes["same"].code, changes["same"].verdict) == ("changed", "equal")
    assert (changes["old"].after, changes["old"].verdict) == (None, "gone")
    assert (changes["extra"].before, changes["extra"].verdict) == (None, "new")
    assert "not known" in found.notes[0]


def test_without_the_earlier_text_names_tell(workspace):
    found = compare_profiles(
        opened(workspace, None, {("slow", 1): 6.0, ("same", 4): 3.0}),
        opened(workspace, AFTER, {("fast", 3): 2.0, ("same", 6): 4.0}),
        workspace,
    )
    changes = by_name(found)
    assert (changes["same"].verdict, changes["same"].code) == ("more", None)
    assert (changes["slow"].verdict, changes["fast"].verdict) == ("gone", "new")


def test_units_that_differ_are_compared_by_shares(workspace):
    found = compare_profiles(
        opened(workspace, AFTER, {("fast", 3): 600.0, ("same", 6): 400.0}, unit="samples"),
        opened(workspace, AFTER, {("fast", 3): 2.0, ("same", 6): 6.0}),
        workspace,
    )
    assert (found.unit, found.ratio) == (None, None)
    assert by_name(found)["fast"].difference == pytest.approx(0.25 - 0.6)
    assert "shares of the whole" in found.notes[0]


@pytest.mark.parametrize(("total", "verdict"), [(100, "within noise"), (10_000, "less")])
def test_differences_of_samples_have_noise(workspace, total, verdict):
    def sampled(share: float) -> Opened:
        costs = {("fast", 3): total * share, ("same", 6): total * (1 - share)}
        return opened(workspace, AFTER, costs, unit="samples", samples=True, tool="py-spy")

    found = compare_profiles(sampled(0.50), sampled(0.45), workspace)
    assert (found.before.samples, found.after.samples) == (total, total)
    fast = by_name(found)["fast"]
    assert fast.verdict == verdict
    assert fast.interval is not None
    assert fast.interval[0] < fast.difference < fast.interval[1]


def test_the_interval_is_newcombes():
    # Newcombe 1998, table II, method 10: 56/70 against 48/80 is 0.0524 to 0.3339.
    low, high = _newcombe((48 / 80, 56 / 70), (80, 70), (1.0, 1.0), 1.959964)
    assert (low, high) == (pytest.approx(0.0524, abs=1e-4), pytest.approx(0.3339, abs=1e-4))


def test_how_many_samples_there_were():
    stacks = (StackCost((0,), 0.5), StackCost((1,), 0.01))
    cost = FunctionCost("m.py", "f", 1, 0.51, 0.51, 0.51, None)
    profile = Profile("py-spy", "seconds", 0.51, (cost,), sampled=True, stacks=stacks)
    assert samples_of(profile) == 51
    assert samples_of(Profile("cProfile", "seconds", 0.51, (cost,))) is None
