"""Real profiles of one workload by many tools tell the same, and are known by their content."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from analysis.errors import AnalysisError
from analysis.profiles import file as file_module
from analysis.profiles import json_cursor
from analysis.profiles.formats import formats_of
from analysis.profiles.load import load_profile
from analysis.profiles.model import FunctionCost, Profile
from analysis.progress import Cancelled, CancelToken
from tests.profile_samples import SAMPLES, WORKLOAD, Sample, measured

HOTTEST = ("count_pairs", "smooth", "fill")
HOT_LINES = range(11, 15)
SCRIPT_NAMES = {"countPairs": "count_pairs"}

samples = pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.file)


@cache
def profile_of(file: str) -> Profile:
    return load_profile(WORKLOAD.parent / file, WORKLOAD)


def shares(profile: Profile) -> dict[str, float]:
    """Of what ran in the workload's functions, the part of each one with what it calls directly."""
    ours: dict[str, float] = {}
    for cost in profile.functions:
        if Path(cost.path).parent == WORKLOAD.resolve():
            name = SCRIPT_NAMES.get(cost.name, cost.name)
            ours[name] = ours.get(name, 0.0) + cost.direct_cost
    whole = sum(ours.values())
    return {name: cost / whole for name, cost in ours.items()}


def function(profile: Profile, name: str) -> FunctionCost:
    return next(cost for cost in profile.functions if cost.name == name)


@samples
def test_the_hottest_function_is_the_same_and_shares_are_near(sample: Sample) -> None:
    profile = profile_of(sample.file)
    found = shares(profile)
    assert max(found, key=found.__getitem__) == "count_pairs"
    assert (profile.tool, profile.sampled) == (sample.tool, sample.sampled)
    # The program in JavaScript is another one: its shares are compared among its own profiles.
    script = sample.script
    expected = shares(profile_of("cpuprofile/workload.cpuprofile")) if script else measured()
    for name in HOTTEST:
        assert found[name] == pytest.approx(expected[name], abs=0.1), name


@samples
def test_what_the_format_has_is_read(sample: Sample) -> None:
    profile = profile_of(sample.file)
    names = [cost.name for cost in profile.functions]
    hot = "countPairs" if sample.script else "count_pairs"
    assert function(profile, hot).calls == sample.calls
    if sample.stacks:
        calls = {(names[call.caller], names[call.callee]): call for call in profile.calls}
        assert calls["report", hot].calls == sample.calls
        stack = max(profile.stacks, key=lambda stack: stack.cost)
        assert [names[at] for at in stack.frames][-2:] == ["report", hot]
        assert sum(s.cost for s in profile.stacks) == pytest.approx(profile.total, rel=0.01)
    assert bool(profile.lines) is sample.lines
    if sample.lines:
        calling = max(profile.lines, key=lambda line: line.total_cost - line.self_cost)
        assert calling.total_cost > 0.5 * profile.total or sample.script
    if sample.lines and sample.own_lines and not sample.script:
        hottest = max(profile.lines, key=lambda line: line.self_cost)
        assert Path(hottest.path).name == "letters.py"
        assert hottest.line in HOT_LINES


@samples
def test_the_content_tells_the_format(sample: Sample, tmp_path: Path) -> None:
    known = [known.module for known in formats_of(sample.data[:65_536])]
    assert known[0] == sample.format
    wrong = tmp_path / "profile.wrong"
    wrong.write_bytes(sample.path.read_bytes())
    assert load_profile(wrong, WORKLOAD).total == profile_of(sample.file).total


@samples
def test_a_file_that_was_cut_off_is_named_or_read_as_far_as_it_goes(
    sample: Sample, tmp_path: Path
) -> None:
    cut = tmp_path / "cut"
    by_lines = sample.format in ("collapsed", "austin", "perf_script", "austin_mojo")
    raw = sample.path.read_bytes()
    wholes = {sample.data, raw}
    for whole in wholes:
        for seventh in range(1, 7):
            cut.write_bytes(whole[: len(whole) * seventh // 7])
            try:
                profile = load_profile(cut, WORKLOAD)
            except AnalysisError as error:
                assert error.code in (
                    "profile-truncated", "profile-damaged", "profile-empty", "profile-foreign",
                    "profile-unknown",
                )  # fmt: skip
                assert str(cut) in str(error)
            else:
                assert by_lines
                assert profile.total < profile_of(sample.file).total


@samples
def test_no_path_of_a_machine_is_in_a_sample(sample: Sample) -> None:
    paths = {match[0].decode() for match in re.finditer(rb"(?<![\w.:/<-])/\w[\w.-]*/", sample.data)}
    assert paths <= {"/home/", "/usr/", "/lib/", "/tmp/"}
    assert set(re.findall(rb"/tmp/[^ )]*|/home/(?!user/)", sample.data)) <= {b"/tmp/perf-1.map"}
    assert sample.path.stat().st_size < 60_000


@samples
def test_progress_goes_one_way_and_a_cancel_is_heard(
    sample: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_module, "_PIECE", 256)
    monkeypatch.setattr(json_cursor, "_PIECE", 256)
    told: list[float] = []
    load_profile(sample.path, WORKLOAD, progress=lambda _, share: told.append(share))
    assert told == sorted(told)
    assert told[-1] == 1.0
    cancel = CancelToken()

    def cancelled(_: str, share: float) -> None:
        if share > 0.5:
            cancel.cancel()

    with pytest.raises(Cancelled):
        load_profile(sample.path, WORKLOAD, progress=cancelled, cancel=cancel)
