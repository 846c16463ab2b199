"""Calls between the workspace's functions, and how much of a function's cost is native."""

from __future__ import annotations

import pytest

from analysis.profiles.load import load_profile

SOURCE = """\
def main():
    pass

def work(x):
    pass

def other():
    pass
"""


@pytest.fixture
def load(tmp_path, programs):
    file = tmp_path / "m.py"
    file.write_text(SOURCE)
    ours = {n: (str(file), line, n) for n, line in (("main", 1), ("work", 4), ("other", 7))}

    def loaded(stats):
        profile = load_profile(programs.pstats_file(tmp_path / "p", stats(**ours)), tmp_path)
        names = [f.name for f in profile.functions]
        calls = {(names[c.caller], names[c.callee]): (c.calls, c.cost) for c in profile.calls}
        return {f.name: f for f in profile.functions}, calls

    return loaded


SORTED = ("~", 0, "<built-in method builtins.sorted>")
LIB = ("/usr/lib/python3.11/copy.py", 10, "deepcopy")


def test_builtin_time_is_native_and_library_time_is_not(load):
    functions, calls = load(
        lambda main, work, other: {
            main: (1, 1, 1.0, 10.0, {}),
            SORTED: (5, 5, 6.0, 6.0, {main: (5, 5, 6.0, 6.0)}),
            LIB: (2, 2, 3.0, 3.0, {main: (2, 2, 3.0, 3.0)}),
        }
    )
    assert functions["main"].direct_cost == pytest.approx(10)
    assert functions["main"].native_cost == pytest.approx(6)
    assert calls["main", SORTED[2]] == (5, 6.0)
    assert calls["main", "deepcopy"] == (2, 3.0)


def test_native_code_below_the_library_is_native(load):
    functions, _ = load(
        lambda main, work, other: {
            main: (1, 1, 1.0, 10.0, {}),
            LIB: (2, 2, 3.0, 9.0, {main: (2, 2, 3.0, 9.0)}),
            SORTED: (5, 5, 6.0, 6.0, {LIB: (5, 5, 6.0, 6.0)}),
        }
    )
    assert functions["main"].native_cost == pytest.approx(6, rel=1e-3)
    assert functions["deepcopy"].native_cost is None


def test_calls_through_a_library_are_those_of_who_called_it(load):
    functions, calls = load(
        lambda main, work, other: {
            main: (1, 1, 1.0, 10.0, {}),
            other: (4, 4, 1.0, 4.0, {}),
            SORTED: (5, 5, 0.0, 8.0, {main: (1, 1, 0.0, 6.0), other: (4, 4, 0.0, 2.0)}),
            work: (1000, 1000, 8.0, 8.0, {SORTED: (1000, 1000, 8.0, 8.0)}),
        }
    )
    assert calls["main", "work"] == (750, pytest.approx(6))
    assert calls["main", SORTED[2]] == (1, pytest.approx(0, abs=1e-3))
    assert calls["other", "work"] == (250, pytest.approx(2))
    assert functions["main"].native_cost == pytest.approx(0, abs=1e-3)


def test_recursion_in_the_library_ends(load):
    _, calls = load(
        lambda main, work, other: {
            main: (1, 1, 1.0, 10.0, {}),
            LIB: (9, 1, 1.0, 9.0, {main: (1, 1, 0.1, 9.0), LIB: (8, 8, 0.9, 8.0)}),
            work: (8, 8, 8.0, 8.0, {LIB: (8, 8, 8.0, 8.0)}),
        }
    )
    assert calls["main", "work"][0] == pytest.approx(8, abs=1)


def test_a_function_is_no_caller_of_itself(load):
    _, calls = load(
        lambda main, work, other: {
            main: (1, 1, 1.0, 10.0, {}),
            work: (9, 1, 9.0, 9.0, {main: (1, 1, 9.0, 9.0), work: (8, 8, 8.0, 8.0)}),
        }
    )
    assert calls == {("main", "work"): (1, 9.0)}


def test_a_real_profile_has_its_calls(run):
    folder, path = run
    profile = load_profile(path, folder)
    names = [f.name for f in profile.functions]
    calls = {(names[c.caller], names[c.callee]): c.calls for c in profile.calls}
    assert calls["ordered", "key"] == 60
    assert calls["<module>", "idle"] == 1
    for function in profile.functions:
        if function.native_cost is not None:
            assert 0 <= function.native_cost <= function.direct_cost - function.self_cost + 1e-9
