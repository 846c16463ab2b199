"""Stacks added up: functions, lines, calls, recursion, native code, and bounded trees."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.profiles import tally as tally_module
from analysis.profiles.damage import Damaged
from analysis.profiles.model import FunctionCost, Profile
from analysis.profiles.places import Places
from analysis.profiles.tally import ROOT, Tally

SOURCE = """\
def outer(n):
    a = inner(n)
    return a + outer(n - 1)


def inner(n):
    return sorted(n)
"""


@pytest.fixture
def places(tmp_path: Path) -> Places:
    (tmp_path / "m.py").write_text(SOURCE)
    return Places(tmp_path)


def by_name(profile: Profile) -> dict[str, FunctionCost]:
    return {f.name: f for f in profile.functions}


def filled(places: Places, *, tells_native: bool = True) -> Tally:
    tally = Tally(places, tells_native=tells_native)
    top = tally.frame("m.py", "outer", 2)
    again = tally.frame("m.py", "outer", 3)
    leaf = tally.frame("m.py", "inner", 7)
    builtin = tally.frame("", "sorted", None, native=True)
    library = tally.frame("/usr/lib/python3.11/bisect.py", "bisect", 9)
    tally.add([top, leaf], 1.0)
    tally.add([top, leaf, builtin], 2.0)
    tally.add([again, top, leaf, library], 4.0)
    tally.add([again], 8.0)
    tally.add([], 16.0)
    return tally


def test_costs_of_functions(places: Places) -> None:
    profile = filled(places).profile("tool", "samples", sampled=True)
    found = by_name(profile)
    assert profile.total == 31.0
    outer, inner = found["outer"], found["inner"]
    assert (outer.self_cost, outer.total_cost, outer.direct_cost) == (8.0, 15.0, 8.0)
    assert (inner.self_cost, inner.total_cost, inner.direct_cost) == (1.0, 7.0, 7.0)
    assert (inner.native_cost, outer.native_cost) == (2.0, 0.0)
    assert inner.line == 6
    assert inner.calls is None
    assert found["sorted"].total_cost == 2.0


def test_costs_of_lines_and_calls(places: Places) -> None:
    profile = filled(places).profile("tool", "samples", sampled=True)
    lines = {line.line: (line.self_cost, line.total_cost) for line in profile.lines}
    assert lines == {2: (0.0, 7.0), 3: (8.0, 12.0), 7: (1.0, 7.0)}
    assert {line.line: line.native_cost for line in profile.lines} == {2: 0.0, 3: 0.0, 7: 2.0}
    assert {line.line: line.direct_cost for line in profile.lines} == {2: 0.0, 3: 8.0, 7: 7.0}
    names = [f.name for f in profile.functions]
    edges = {(names[c.caller], names[c.callee]): (c.cost, c.calls) for c in profile.calls}
    assert edges == {("outer", "inner"): (7.0, None)}


def test_native_shares_are_unknown_where_the_format_does_not_tell(places: Places) -> None:
    profile = filled(places, tells_native=False).profile("tool", "samples", sampled=True)
    assert by_name(profile)["inner"].native_cost is None
    assert {line.native_cost for line in profile.lines} == {None}


def test_calls_are_counted_where_a_reader_counts_them(places: Places) -> None:
    tally = Tally(places)
    outer, inner = tally.frame("m.py", "outer", 1), tally.frame("m.py", "inner", 6)
    top = tally.child(ROOT, outer)
    below = tally.child(top, inner)
    tally.called(top)
    tally.called(below, 3)
    tally.spend(below, 5.0)
    profile = tally.profile("tool", "seconds", sampled=False)
    found = by_name(profile)
    assert (found["outer"].calls, found["inner"].calls) == (1, 3)
    assert [(c.calls, c.cost) for c in profile.calls] == [(3, 5.0)]


def test_a_full_tree_is_begun_anew_and_costs_stay(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = filled(places).profile("tool", "samples", sampled=True)
    monkeypatch.setattr(tally_module, "MAX_NODES", 1)
    assert filled(places).profile("tool", "samples", sampled=True) == whole


def test_endless_stacks_are_damage(places: Places) -> None:
    tally = Tally(places)
    frame = tally.frame("m.py", "outer", 1)
    with pytest.raises(Damaged, match="more than 5000 frames"):
        tally.add([frame] * 5001, 1.0)
