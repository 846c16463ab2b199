"""Lambdas and comprehensions belong to their function, as each CPython names them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from analysis.hotspots import hot_spots
from analysis.profiles.compare import compare_profiles
from analysis.profiles.frame_names import function_around, is_nameless
from analysis.profiles.load import load_profile
from analysis.profiles.model import Profile
from analysis.profiles.opened import Opened, open_profile
from analysis.profiles.places import Place, Places

SOURCE = """\
def norm(xs):
    return sum(x * x for x in xs)


def helped(xs):
    return sorted(xs, key=lambda x: norm([x]))


class Table:
    order = sorted([2, 1], key=lambda x: x)

    def total(self):
        return sum(x for x in self.order)
"""
STACKS = """\
<module> (app.py:20);norm (app.py:2);norm.<locals>.<genexpr> (app.py:2) 60
<module> (app.py:20);helped (app.py:6);helped.<locals>.<lambda> (app.py:6);norm (app.py:2) 40
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "ws"
    folder.mkdir()
    (folder / "app.py").write_text(SOURCE)
    return folder


def read(workspace: Path, text: str) -> Profile:
    path = workspace.parent / "profile"
    path.write_text(text)
    return load_profile(path, workspace)


@pytest.mark.parametrize(
    ("name", "nameless", "around"),
    [
        ("<lambda>", True, ""),
        ("<module>", True, ""),
        ("f.<locals>.<genexpr>", True, "f"),
        ("A.f.<locals>.<lambda>.<locals>.<listcomp>", True, "A.f"),
        ("A.<lambda>", True, ""),
        ("f.<locals>.g", False, "f.<locals>.g"),
        ("A.f", False, "A.f"),
        ("operator<", False, "operator<"),
    ],
)
def test_names_tell_what_they_are_in(name: str, nameless: bool, around: str) -> None:
    assert is_nameless(name) is nameless
    assert function_around(name) == around


@pytest.mark.parametrize(
    ("name", "line", "place"),
    [
        ("norm.<locals>.<genexpr>", 2, ("norm", 1)),
        ("<genexpr>", 2, ("norm", 1)),
        ("norm.<locals>.<genexpr>", None, ("norm", 1)),
        # the file was another one: the name knows better than the line
        ("norm.<locals>.<genexpr>", 6, ("norm", 1)),
        ("Table.total.<locals>.<genexpr>", 13, ("total", 12)),
        ("Table.<lambda>", 10, ("<module>", 1)),
        ("gone.<locals>.<genexpr>", 2, ("gone", 0)),
    ],
)
def test_the_function_around(
    workspace: Path, name: str, line: int | None, place: tuple[str, int]
) -> None:
    found = Places(workspace).place("app.py", name, line)
    assert found == Place(str((workspace / "app.py").resolve()), *place)


def test_time_in_a_comprehension_is_its_functions_own(workspace: Path) -> None:
    profile = read(workspace, STACKS)
    norm, helped = hot_spots(profile, workspace)
    assert (norm.function, norm.self_share, norm.worth) == ("norm", 1.0, 1.0)
    assert (helped.function, helped.self_share, helped.total_share) == ("helped", 0.0, 0.4)
    assert [c.function for c in norm.callers] == ["<module>", "helped"]
    assert not any("<genexpr>" in cost.name for cost in profile.functions)


def test_a_trace_of_calls_counts_the_functions_calls_only(workspace: Path) -> None:
    def event(name: str, line: int, begin: int, lasts: int) -> dict[str, object]:
        text = f"{name} ({workspace / 'app.py'}:{line})"
        return {"ph": "X", "cat": "fee", "name": text, "ts": begin, "dur": lasts, "tid": 1}

    inner = [event("norm.<locals>.<genexpr>", 2, at, 10) for at in (10, 20, 30)]
    profile = read(workspace, json.dumps({"traceEvents": [*inner, event("norm", 1, 0, 50)]}))
    (norm,) = hot_spots(profile, workspace)
    assert (norm.function, norm.self_share, norm.calls) == ("norm", 1.0, 1)


def test_begin_and_end_of_samples(workspace: Path) -> None:
    def event(kind: str, name: str, at: int) -> dict[str, object]:
        args = {"filename": str(workspace / "app.py"), "line": 2}
        return {"ph": kind, "cat": "py-spy", "name": name, "ts": at, "tid": 1, "args": args}

    names = ("norm", "norm.<locals>.<genexpr>")
    events = [event("B", names[0], 0), event("B", names[1], 10)]
    events += [event("E", names[1], 90), event("E", names[0], 100)]
    (norm,) = hot_spots(read(workspace, json.dumps(events)), workspace)
    assert (norm.function, norm.self_share) == ("norm", 1.0)


def test_two_runs_are_compared_by_the_functions_around(workspace: Path) -> None:
    def opened(text: str) -> Opened:
        path = workspace.parent / "compared"
        path.write_text(text)
        return open_profile(path, workspace, workspace.parent / "state")

    before, after = opened(STACKS), opened(STACKS.replace(" 60", " 600"))
    changes = compare_profiles(before, after, workspace).changes
    norm = next(change for change in changes if change.function == "norm")
    assert norm.before is not None and norm.before.self_cost == 100
    assert norm.after is not None and norm.after.self_cost == 640
    assert {change.function for change in changes} == {"norm", "helped"}
