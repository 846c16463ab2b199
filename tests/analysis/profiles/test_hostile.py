"""Profiles that want to hurt their reader: bombs, endless lines, nesting, floods of names."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from analysis.errors import AnalysisError
from analysis.profiles import file as file_module
from analysis.profiles import json_cursor
from analysis.profiles import tally as tally_module
from analysis.profiles.formats import chrome_trace, cpuprofile, firefox, speedscope
from analysis.profiles.load import load_profile
from tests.profile_samples import SAMPLES, WORKLOAD, Sample

samples = pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.file)
in_json = pytest.mark.parametrize(
    "sample", [s for s in SAMPLES if s.data[:1] in b"{["], ids=lambda sample: sample.file
)


def code_of(path: Path, data: bytes) -> str | None:
    path.write_bytes(data)
    with pytest.raises(AnalysisError) as caught:
        load_profile(path, WORKLOAD)
    assert str(path) in str(caught.value)
    assert caught.value.mend
    return caught.value.code


@samples
def test_more_than_may_be_unpacked(
    sample: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_module, "MAX_STREAM_BYTES", 3_000_000)
    monkeypatch.setattr(file_module.ProfileFile.whole, "__defaults__", (3_000_000,))
    # White space is nothing in JSON; lines are told again and again.
    blank = b" " * 4_000_000
    data = sample.data
    if sample.format in ("pstats", "austin_mojo"):
        data += b"\0" * 4_000_000
    elif data[:1] in b"{[":
        data = data[:-1] + blank + data[-1:] if data[-1:] in b"}]" else data + blank
    else:
        data = data * (4_000_000 // len(data))
    assert code_of(tmp_path / "bomb", gzip.compress(data, 1)) == "profile-too-large"


@samples
def test_an_endless_line(sample: Sample, tmp_path: Path) -> None:
    data = sample.data
    middle = data.find(b"\n", len(data) // 2)
    at = middle + 1 if middle >= 0 else len(data) // 2
    if sample.format not in ("collapsed", "austin", "perf_script"):
        data = data[:at] + b'"' + b"x" * 5_000_000
        codes = {"profile-truncated", "profile-damaged", "profile-too-large"}
    else:
        data = data[:at] + b"x" * 5_000_000
        codes = {"profile-damaged"}
    assert code_of(tmp_path / "endless", data) in codes


@in_json
@pytest.mark.parametrize("opened", [b"[", b'{"children":[', b'{"a":'])
def test_deep_nesting_in_place_of_each_value(sample: Sample, opened: bytes, tmp_path: Path) -> None:
    data = sample.data
    colons = [at for at in range(len(data)) if data[at : at + 2] in (b": ", b':"', b":[", b":{")]
    for at in colons[:: 1 + len(colons) // 6]:
        code = code_of(tmp_path / "deep", data[: at + 1] + opened * 60_000)
        assert code in ("profile-damaged", "profile-truncated", "profile-unknown")


def test_a_frame_below_itself_without_end(tmp_path: Path) -> None:
    frame = {"function": "f", "file_path": "main.py", "line_no": 1, "time": 1.0}
    text = json.dumps(frame)[:-1] + ', "children": ['
    head = '{"sample_count": 1, "target_description": "x", "root_frame": '
    assert code_of(tmp_path / "deep", (head + text * 50_000).encode()) == "profile-damaged"


@pytest.mark.parametrize(
    ("module", "limit", "file"),
    [
        (speedscope, "_MAX_SAMPLES", "speedscope/py-spy.json"),
        (speedscope, "_MAX_PROFILES", "speedscope/py-spy.json"),
        (chrome_trace, "MAX_CALLS", "chrome_trace/viztracer.json.gz"),
        (chrome_trace, "_MAX_THREADS", "chrome_trace/viztracer.json.gz"),
        (chrome_trace, "_MAX_OPEN", "chrome_trace/py-spy.json.gz"),
        (cpuprofile, "_MAX_SAMPLES", "cpuprofile/workload.cpuprofile"),
        (cpuprofile, "_MAX_TICKS", "cpuprofile/workload.cpuprofile"),
        (cpuprofile, "MAX_NODES", "cpuprofile/workload.cpuprofile"),
        (cpuprofile, "MAX_DEPTH", "cpuprofile/workload.cpuprofile"),
        (firefox, "_MAX_ROWS", "firefox/gecko.json"),
        (firefox, "_MAX_STRINGS", "firefox/processed.json"),
        (firefox, "_MAX_TEXT_CHARS", "firefox/processed.json"),
        (firefox, "MAX_DEPTH", "firefox/processed.json"),
        (tally_module, "MAX_FRAMES", "collapsed/py-spy.txt"),
        (tally_module, "MAX_DEPTH", "austin/wall.txt.gz"),
        (tally_module, "MAX_NAME_CHARS", "pyinstrument/session.pyisession.gz"),
        (json_cursor, "MAX_DEPTH", "pyinstrument/tree.json"),
    ],
)
def test_each_bound_is_one(
    module: Any, limit: str, file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, limit, 0)
    sample = next(s for s in SAMPLES if s.file == file)
    assert code_of(tmp_path / "large", sample.data) == "profile-damaged"


@samples
def test_a_tree_that_is_full_again_and_again_loses_no_cost(
    sample: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = load_profile(sample.path, WORKLOAD)
    monkeypatch.setattr(tally_module, "MAX_NODES", 3)
    again = load_profile(sample.path, WORKLOAD)
    for before, after in zip(whole.functions, again.functions, strict=True):
        assert (before.path, before.name, before.calls) == (after.path, after.name, after.calls)
        for cost in ("self_cost", "total_cost", "direct_cost"):
            assert getattr(after, cost) == pytest.approx(getattr(before, cost))
    assert len(whole.stacks) == len(again.stacks)


def test_nothing_of_a_profile_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No reader asks a library that would: what could run code is replaced by an error."""
    import marshal
    import pickle

    def never(*_: object, **__: object) -> None:
        raise RuntimeError("a profile was run")

    for module, name in [
        (pickle, "loads"),
        (pickle, "load"),
        (marshal, "loads"),
        (marshal, "load"),
    ]:
        monkeypatch.setattr(module, name, never)
    monkeypatch.setattr("builtins.eval", never)
    for sample in SAMPLES:
        assert load_profile(sample.path, WORKLOAD).total > 0


@pytest.mark.parametrize(
    "data", [b"", b" \n", b"\0" * 100, b"{}", b"[]", b"[{}]", b"\x1f\x8b", b"MOJ"]
)
def test_nothing_at_all(tmp_path: Path, data: bytes) -> None:
    assert code_of(tmp_path / "nothing", data) in (
        "profile-empty", "profile-unknown", "profile-truncated", "profile-damaged",
    )  # fmt: skip
