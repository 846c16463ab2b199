"""Jobs as bytes: what arrives on a host that has none of the files, and what is refused there."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest

from analysis.progress import CancelToken, silent
from benchmark_runner.errors import WorkloadError
from benchmark_runner.executors import shipping
from benchmark_runner.executors.job import Answer, Job, perform
from benchmark_runner.executors.shipping import Unpacked, pack, read_answer
from benchmark_runner.recording.record import capture_inputs
from benchmark_runner.workload import (
    CapturedInputs,
    FunctionWorkload,
    GeneratedInputs,
    Inputs,
    InputsOfTests,
    Version,
)
from hasten.launcher import child_command

LIB = """
class Point:
    def __init__(self, x):
        self.x = x

def total(points):
    found = 0
    for point in points:
        found = found + point.x
    return found
"""
MAIN = """
from pack.lib import Point, total
for n in (200, 400):
    print(total([Point(i) for i in range(n)]))
"""
BETTER = LIB.replace("found = 0\n", "").replace(
    "    for point in points:\n        found = found + point.x\n    return found",
    "    return sum(point.x for point in points)",
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    for name, text in {
        "pyproject.toml": "", "pack/__init__.py": "", "pack/lib.py": LIB, "main.py": MAIN,
        ".venv/pyvenv.cfg": "", ".venv/big.bin": "x", ".git/config": "",
    }.items():  # fmt: skip
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def job(project: Path, inputs: Inputs, text: str = BETTER, **more: Any) -> Job:
    path = project / "pack" / "lib.py"
    work = FunctionWorkload(path, "total", Version.of({path: LIB}), inputs, ("tests/a.py::b",))
    return Job(work, "check", Version.of({path: text}), "rule", Path(sys.executable), **more)


def test_what_arrives_is_the_job_with_this_machines_paths(project: Path, tmp_path: Path) -> None:
    there = tmp_path / "there"
    sent = job(project, GeneratedInputs(3), rounding=1e-9, timeout_s=7.0)
    got = Unpacked(pack(sent, {"hasten": "1"}), there)
    assert got.expects == {"hasten": "1"}
    work = got.job.workload
    assert work.path == there / "project" / "pack" / "lib.py"
    assert work.path.read_text() == LIB
    assert (work.inputs, work.tests) == (GeneratedInputs(3), ("tests/a.py::b",))
    assert (got.job.rounding, got.job.timeout_s, got.job.id) == (1e-9, 7.0, sent.id)
    assert got.job.after.text_of(work.path) == BETTER
    assert not (there / "project" / ".venv").exists()
    assert not (there / "project" / ".git").exists()


@pytest.mark.parametrize("of_tests", [False, True])
def test_captured_calls_work_where_the_project_lies_elsewhere(
    project: Path, tmp_path: Path, of_tests: bool
) -> None:
    folder = tmp_path / "state" / "captures"
    path = project / "pack" / "lib.py"
    found = capture_inputs(
        ["python", "main.py"], project, [(path, "total")], folder, python=Path(sys.executable)
    )
    calls: Inputs = CapturedInputs(found[path, "total"].folder)
    if of_tests and isinstance(calls, CapturedInputs):
        calls = InputsOfTests(calls, ("tests/a.py::b",))
    work = job(project, calls)
    payload = pack(Job(FunctionWorkload(path, "total", work.workload.before, calls), "check",
                       work.after, "rule", work.python), {})  # fmt: skip
    shutil.rmtree(project)
    shutil.rmtree(folder)
    got = Unpacked(payload, tmp_path / "there")
    answer = perform(got.job, silent, CancelToken())
    assert answer.error is None, answer.error
    assert answer.verdict is not None
    assert (answer.verdict.equality, answer.verdict.inputs) == ("exact", 2)


def test_an_answer_comes_back_with_the_senders_paths(project: Path, tmp_path: Path) -> None:
    got = Unpacked(pack(job(project, GeneratedInputs()), {}), tmp_path / "there")
    answer = perform(got.job, silent, CancelToken(), "dask")
    text = got.answer(answer).decode()
    assert str(tmp_path / "there") not in text
    assert read_answer(text.encode(), "dask").host == answer.host


def test_too_much_is_not_sent(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipping, "MOST_BYTES", 100)
    with pytest.raises(WorkloadError, match="would have to be sent"):
        pack(job(project, GeneratedInputs()), {})


def changed(payload: bytes, **values: Any) -> bytes:
    return zlib.compress(json.dumps({**json.loads(zlib.decompress(payload)), **values}).encode())


@pytest.mark.parametrize(
    "values",
    [
        {"protocol": 99}, {"files": {"project/../../x": ""}}, {"files": {"elsewhere/x": ""}},
        {"files": {"/etc/x": ""}}, {"path": "../x"}, {"roots": {"..": "/"}}, {"versions": {}},
        {"inputs": {"kind": "file", "path": "project/../../x"}},
    ],
)  # fmt: skip
def test_what_leads_out_of_the_folder_is_no_job(
    project: Path, tmp_path: Path, values: dict[str, Any]
) -> None:
    payload = changed(pack(job(project, GeneratedInputs()), {}), **values)
    before = {p for p in tmp_path.rglob("*") if "there" not in p.parts}
    with pytest.raises((ValueError, KeyError)):
        Unpacked(payload, tmp_path / "there")
    assert {p for p in tmp_path.rglob("*") if "there" not in p.parts} == before


def test_a_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipping, "_MOST_PAYLOAD", 1 << 20)
    with pytest.raises(ValueError, match="too large"):
        Unpacked(zlib.compress(b"0" * (2 << 20)), tmp_path)


@pytest.mark.parametrize("data", [b"", b"{}x", b"[]", b'{"verdict": 3}', b'{"more": null}'])
def test_what_is_no_answer_is_told(data: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read_answer(data, "dask")
    assert read_answer(b"{}", "dask") == Answer()


def test_a_process_that_gets_no_job_says_so(tmp_path: Path) -> None:
    done = subprocess.run(child_command("run-job"), input=b"junk", capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"run-job" in done.stderr
