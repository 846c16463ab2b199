"""What is said of a function's cost."""

from __future__ import annotations

import pytest

from analysis.hotspots import hot_spots
from analysis.profiles.model import CallCost, FunctionCost, LineCost, Profile

SOURCE = """\
def render(rows):
    for row in rows:
        show(row)

def show(row):
    for cell in row:
        print(cell)

def tiny(x):
    return x
"""


@pytest.fixture
def workspace(tmp_path):
    (tmp_path / "m.py").write_text(SOURCE)
    return tmp_path


def cost(workspace, name, own, total, direct, calls=None, native=None):
    line = {"render": 1, "show": 5, "tiny": 9}.get(name)
    path = str(workspace / "m.py") if line else "~"
    return FunctionCost(path, name, line or 0, own, total, direct, calls, native)


def spots(workspace, *costs, calls=(), lines=(), unit="seconds", total=100.0):
    profile = Profile("test", unit, total, costs, calls=calls, lines=lines)
    return {s.function: s for s in hot_spots(profile, workspace)}


def test_its_own_python_code(workspace):
    found = spots(workspace, cost(workspace, "show", 40, 50, 45, calls=1, native=5))["show"]
    assert found.advice == "rewrite"
    assert found.native_share == pytest.approx(5 / 45)
    assert found.why == "its own Python code takes 40 % of the run: rewrite its loop; called once."


def test_native_code_is_named(workspace):
    found = spots(
        workspace,
        cost(workspace, "show", 4, 50, 45, calls=7, native=40),
        cost(workspace, "<method 'count' of 'list' objects>", 39, 39, 39, calls=900),
        calls=[CallCost(0, 1, 900, 39.0)],
    )["show"]
    assert found.advice == "native"
    assert [(c.function, c.share) for c in found.callees] == [("list.count", 0.39)]
    assert found.why == (
        "of the 45 % of the run spent here 89 % is native code, most in `list.count` (39 %): "
        "another algorithm or library, or fewer calls, not other Python; called 7 times."
    )


def test_who_calls_it_too_often(workspace):
    found = spots(
        workspace,
        cost(workspace, "render", 1, 60, 1, calls=3000),
        cost(workspace, "show", 40, 50, 45, calls=1_200_000, native=0),
        calls=[CallCost(0, 1, 1_188_000, 49.5)],
    )["show"]
    (caller,) = found.callers
    assert (caller.function, caller.calls, caller.per_call) == ("render", 1_188_000, 396)
    assert caller.share == pytest.approx(0.99)
    assert caller.saves == pytest.approx(0.495 * (1 - 1 / 396))
    assert found.why.endswith(
        "; called 1,200,000 times, 99 % of them by `render`, 396 for each of its calls."
    )


def test_where_little_can_be_saved_inside_the_caller_is_the_place(workspace):
    found = spots(
        workspace,
        cost(workspace, "render", 1, 3, 1, calls=10),
        cost(workspace, "tiny", 2, 2, 2, calls=1_000_000, native=0),
        calls=[CallCost(0, 1, 1_000_000, 2.0)],
        total=4.0,
    )["tiny"]
    assert found.advice == "callers"
    assert found.why == (
        "each of its 1,000,000 calls takes 2 µs, so there is little to save inside: `render` makes "
        "all of them, 100,000 for each of its calls, and could save up to 50 % of the run with one "
        "call each."
    )


@pytest.mark.parametrize("pause", ["yield x", "await x"])
def test_going_on_after_a_pause_is_no_call_to_be_saved(workspace, pause):
    kind = "async def" if "await" in pause else "def"
    (workspace / "m.py").write_text(SOURCE.replace("def tiny", f"{kind} tiny") + f"    {pause}\n")
    found = spots(
        workspace,
        cost(workspace, "render", 1, 3, 1, calls=1),
        cost(workspace, "tiny", 2, 2, 2, calls=300_001, native=0),
        calls=[CallCost(0, 1, 300_001, 2.0)],
        total=4.0,
    )["tiny"]
    assert found.advice == "rewrite"
    assert found.callers[0].saves == 0
    assert found.why == (
        "its own Python code takes 50 % of the run: rewrite it; called or resumed 300,001 times, "
        "all of them by `render`, 300,001 for each of its calls."
    )


def test_what_only_passes_through(workspace):
    found = spots(workspace, cost(workspace, "render", 1, 90, 2, calls=1))["render"]
    assert found.advice == "callees"
    assert "90 % of the run passes through it, but only 2.0 % is its own" in found.why


def test_without_counts_the_share_of_the_cost_tells_the_caller(workspace):
    found = spots(
        workspace,
        cost(workspace, "render", 1, 60, 1),
        cost(workspace, "show", 40, 50, 45),
        calls=[CallCost(0, 1, None, 50.0)],
        unit="bytes",
    )["show"]
    assert (found.callers[0].calls, found.callers[0].per_call) == (None, None)
    assert found.native_share is None
    assert found.why == (
        "45 % of the bytes allocated goes to its own lines and the library code that they call; "
        "all of it for `render`."
    )


def test_a_name_can_not_end_its_quotes(workspace):
    found = spots(
        workspace,
        cost(workspace, "show", 1, 50, 45, calls=7, native=0),
        FunctionCost("/x/`lib.py", "f`", 1, 44, 44, 44, 1),
        calls=[CallCost(0, 1, 900, 44.0)],
    )["show"]
    assert found.why.count("`") == 2


def test_the_hottest_lines_are_those_of_the_function_itself(workspace):
    path = str(workspace / "m.py")
    found = spots(
        workspace,
        cost(workspace, "show", 40, 50, 45),
        lines=[
            LineCost(path, 3, 1.0, 50.0),
            LineCost(path, 6, 10.0, 10.0),
            LineCost(path, 7, 30.0, 40.0, direct_cost=35.0),
            LineCost(path, 10, 5.0, 5.0),
        ],
    )["show"]
    assert [(x.line, x.measured_line, x.self_share, x.total_share) for x in found.lines] == [
        (7, 7, 0.3, 0.4),
        (6, 6, 0.1, 0.1),
    ]
    assert "begin with line 7 (35 %)" in found.why


def test_a_line_that_only_calls_another_function_is_not_where_to_begin(workspace):
    path = str(workspace / "m.py")
    own = LineCost(path, 6, 30.0, 30.0, direct_cost=30.0)
    passed_on = LineCost(path, 7, 0.0, 60.0, direct_cost=0.0)
    found = spots(workspace, cost(workspace, "show", 30, 90, 30), lines=[own, passed_on])["show"]
    assert [line.line for line in found.lines] == [7, 6]
    assert "begin with line 6 (30 %)" in found.why
    nothing = spots(workspace, cost(workspace, "show", 30, 90, 30), lines=[passed_on])["show"]
    assert "begin with" not in nothing.why
