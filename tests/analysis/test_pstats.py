from __future__ import annotations

import marshal
import pstats
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.errors import AnalysisError
from analysis.profiles.load import load_profile
from tests.pythons import interpreters


def by_name(profile):
    return {cost.name: cost for cost in profile.functions}


def test_costs_are_those_of_pstats(run):
    folder, path = run
    profile = load_profile(path, folder)
    theirs = pstats.Stats(str(path))
    assert profile.tool == "cProfile"
    assert profile.unit == "seconds"
    assert profile.total == pytest.approx(theirs.total_tt)
    for (file, line, name), (_, calls, own, total, _) in theirs.stats.items():
        if name in ("text", "ordered", "idle", "depth"):
            cost = by_name(profile)[name]
            assert (cost.path, cost.line, cost.calls) == (file, line, calls)
            assert (cost.self_cost, cost.total_cost) == pytest.approx((own, total))


def test_direct_cost_holds_the_library_but_not_what_calls_back(run):
    folder, path = run
    costs = by_name(load_profile(path, folder))
    # All that re.sub takes is text's; sorted calls key, whose time is key's.
    assert costs["text"].direct_cost == pytest.approx(costs["text"].total_cost, rel=0.05)
    assert costs["ordered"].total_cost > costs["key"].self_cost
    assert costs["ordered"].direct_cost < costs["ordered"].total_cost / 4


def test_the_generator_of_a_function_is_the_function(run):
    folder, path = run
    costs = by_name(load_profile(path, folder))
    assert "<genexpr>" not in {c.name for c in costs.values() if c.path == costs["key"].path}
    assert costs["key"].calls == 60
    assert costs["key"].self_cost > costs["idle"].self_cost
    assert costs["key"].direct_cost == pytest.approx(costs["key"].total_cost, rel=0.05)


def test_yappi_leaves_out_what_builtins_took_and_the_whole_holds_it(tmp_path):
    source = tmp_path / "m.py"
    source.write_text("def main():\n    joined()\n\ndef joined():\n    return 1\n")
    main, joined = (str(source), 1, "main"), (str(source), 4, "joined")
    table = {
        main: (1, 1, 1.0, 10.0, {}),
        joined: (12, 12, 3.0, 9.0, {main: (12, 12, 3.0, 9.0)}),
    }
    path = tmp_path / "yappi.pstat"
    path.write_bytes(marshal.dumps(table))
    profile = load_profile(path, tmp_path)
    assert profile.total == 10.0
    assert {c.name: c.total_cost for c in profile.functions} == {"main": 10.0, "joined": 9.0}


def test_recursion_is_counted_once(run):
    folder, path = run
    profile = load_profile(path, folder)
    depth = by_name(profile)["depth"]
    assert depth.calls is not None
    assert depth.calls > 1000
    assert depth.self_cost <= depth.total_cost <= profile.total


def test_the_pure_python_profiler_is_read(programs, tmp_path):
    path = programs.profiled(programs.write(tmp_path), tmp_path / "o", pure=True)
    costs = by_name(load_profile(path, tmp_path))
    assert costs["text"].direct_cost > costs["text"].self_cost
    assert costs["key"].calls == 60


@pytest.mark.parametrize("version", ["3.9", "3.10", "3.12", "3.13", "3.14"])
def test_other_interpreters(programs, tmp_path, version):
    python = interpreters().get(version)
    if python is None:
        pytest.skip(f"no CPython {version} here; found: {', '.join(interpreters())}")
    programs.write(tmp_path)
    command = [python, "-m", "cProfile", "-o", "out", "program.py"]
    subprocess.run(command, cwd=tmp_path, check=True)
    costs = by_name(load_profile(tmp_path / "out", tmp_path))
    assert costs["key"].path == str((tmp_path / "program.py").resolve())
    assert costs["text"].direct_cost > costs["text"].self_cost


@pytest.mark.parametrize("version", range(5))
def test_all_versions_of_the_format(run, tmp_path, version):
    folder, path = run
    again = tmp_path / "again"
    again.write_bytes(marshal.dumps(marshal.loads(path.read_bytes()), version))
    assert load_profile(again, folder) == load_profile(path, folder)


def error(path, workspace):
    with pytest.raises(AnalysisError) as caught:
        load_profile(path, workspace)
    assert str(path) in caught.value.message
    assert caught.value.mend
    return caught.value.code


KEY = ("/w/a.py", 1, "f")
LINE = (1, 1, 1.0, 1.0, {})


@pytest.mark.parametrize(
    ("stats", "code"),
    [
        ({}, "profile-empty"),
        ({KEY: (1, 1, 0.0, 0.0, {})}, "profile-empty"),
        ({KEY: (1, 1, 1.0, {})}, "profile-damaged"),
        ({KEY: (1, 1, "a", 1.0, {})}, "profile-damaged"),
        ({KEY: (1, 1, float("nan"), 1.0, {})}, "profile-damaged"),
        ({KEY: (1, 1, 1.0, 1.0, {KEY: "x"})}, "profile-damaged"),
        ({KEY: (1, 1, 1.0, 1.0, {KEY: (1, 2)})}, "profile-damaged"),
        ({KEY: (1, 1, 1.0, 1.0, {"k": 1})}, "profile-damaged"),
        ({KEY: 1}, "profile-damaged"),
        ({("f", 1): LINE}, "profile-damaged"),
        ({(1, "a", "f"): LINE}, "profile-damaged"),
        ({KEY: (10**200, 1, 1.0, 1.0, {})}, "profile-damaged"),
        ({KEY: (1, 1, 1.0, 1.0, {KEY: ((1, 1), 1, 1, 1)})}, "profile-damaged"),
        ({"a": 1}, "profile-unknown"),
        ([1, 2], "profile-unknown"),
        ({("/elsewhere/a.py", 1, "f"): LINE}, "profile-foreign"),
        ({("~", 0, "<built-in method x>"): LINE}, "profile-foreign"),
    ],
)
def test_what_is_not_a_profile_of_this_program_is_named(programs, tmp_path, stats, code):
    assert error(programs.pstats_file(tmp_path / "p", stats), tmp_path) == code


def test_missing_empty_and_unknown_files(tmp_path):
    assert error(tmp_path / "none", tmp_path) == "profile-missing"
    assert error(tmp_path, tmp_path) == "profile-missing"
    for data, code in [
        (b"", "profile-empty"),
        (b" \n", "profile-empty"),
        (b"hello", "profile-unknown"),
        (b"\x80\x04\x95pickle", "profile-unknown"),
        (b"{", "profile-truncated"),
        (b"\xfb\xa9", "profile-truncated"),
    ]:
        (tmp_path / "p").write_bytes(data)
        assert error(tmp_path / "p", tmp_path) == code


def test_a_profile_of_another_program_names_both(run, tmp_path):
    with pytest.raises(AnalysisError, match="of another program") as caught:
        load_profile(run[1], tmp_path)
    assert str(tmp_path.resolve()) in caught.value.message


def test_every_cut_is_noticed(run, tmp_path):
    folder, path = run
    data = path.read_bytes()
    cut = tmp_path / "cut"
    for size in range(1, len(data) - 1, 97):
        cut.write_bytes(data[:size])
        assert error(cut, folder) == "profile-truncated"


@settings(max_examples=150)
@given(st.data())
def test_damaged_bytes_are_read_or_named(run, tmp_path_factory, data):
    folder, path = run
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    broken = tmp_path_factory.getbasetemp() / "broken"
    broken.write_bytes(bytes(content))
    try:
        profile = load_profile(broken, folder)
    except AnalysisError as error:
        assert error.code.startswith("profile-")
    else:
        assert all(c.self_cost <= c.direct_cost for c in profile.functions)


@pytest.mark.parametrize(
    "data",
    [
        b"{" + b"(" * 100_000,
        b"{(\xff\xff\xff\x7f",
        b"{)\x03z\x01aT",
        b"\xfb)\x03r\x00\x00\x00\x00",
        b"{)\x03\xfaA\xff\xff\xff\xff",
        b"{)\x03z\x01al\x00\x00\x00\x80",
        b"{)\x03z\x01af\x03abc",
        # A tuple that holds itself, and one that holds the tuple before it, over and over.
        b"{\xa9\x01r\x00\x00\x00\x00",
        b"{" + b"".join(b"\xa9\x02r%br%b" % ((n.to_bytes(4, "little"),) * 2) for n in range(60)),
    ],
)
def test_bytes_made_to_harm_are_refused(tmp_path, data):
    (tmp_path / "p").write_bytes(data)
    assert error(tmp_path / "p", tmp_path) in ("profile-damaged", "profile-truncated")


def test_nothing_of_the_standard_reader_is_called(run, monkeypatch):
    def refuse(*_: object) -> None:
        raise AssertionError("marshal was asked to read")

    monkeypatch.setattr(marshal, "loads", refuse)
    monkeypatch.setattr(marshal, "load", refuse)
    assert load_profile(run[1], run[0]).functions
    assert sys.modules["analysis.profiles.load"]
