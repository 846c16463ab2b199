"""Recording by py-spy, from outside of a running process, and memory by memray."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from analysis.hotspots import hot_spots
from analysis.profiles.load import load_profile
from analysis.profiles.store import read_sidecar
from benchmark_runner.errors import WorkloadError
from benchmark_runner.recording import profiling, sampling
from benchmark_runner.recording.profiling import attach, record_memory, record_time
from benchmark_runner.recording.record import RecordedRun
from tests.benchmark_runner.programs import WANTED, python_of, write

OWN = Path(sys.executable)
WORK = """
    import time

    def turn(until):
        total = 0
        while time.process_time() < until:
            total += count(3000)
        return total

    def count(n):
        total = 0
        for i in range(n):
            total += i * i
        return total
"""

sampled = pytest.mark.skipif(
    sampling.why_not() is not None, reason=f"no sampling here: {sampling.why_not()}"
)


def record(folder: Path, *command: str, python: Path = OWN, **more: Any) -> RecordedRun:
    return record_time(command, folder, folder / "out", python=python, workspace=folder, **more)


def hottest(run: RecordedRun, folder: Path) -> str:
    return hot_spots(load_profile(run.profile, folder), folder)[0].function


def kept(folder: Path) -> set[str]:
    return {p.suffix for p in (folder / "out").iterdir() if p.is_file()}


def write_work(folder: Path, seconds: float) -> None:
    write(folder, main=f"from lib import turn\nprint(turn({seconds}))\n", lib=WORK)


@sampled
@pytest.mark.parametrize("version", [WANTED[0], WANTED[-1]])
def test_a_run_is_sampled(tmp_path: Path, version: str, capfd: pytest.CaptureFixture[str]) -> None:
    write_work(tmp_path, 1.8)
    run = record(tmp_path, "python", "main.py", python=python_of(version), rate=250)
    assert load_profile(run.profile, tmp_path).tool == "py-spy"
    assert hottest(run, tmp_path) == "count"
    assert run.notes == ()
    stored = read_sidecar(run.sidecar)
    assert stored is not None
    assert stored.path == run.profile
    assert any(name.endswith("lib.py::count") for name in stored.fingerprints)
    assert "py-spy" not in capfd.readouterr().err
    assert kept(tmp_path) == {".sidecar", ".speedscope"}


@sampled
def test_a_short_run_is_counted_by_cprofile(tmp_path: Path) -> None:
    write_work(tmp_path, 0.1)
    run = record(tmp_path, "python", "main.py")
    assert load_profile(run.profile, tmp_path).tool == "cProfile"
    assert "too few" in run.notes[0] or "before py-spy saw it" in run.notes[0]
    assert kept(tmp_path) == {".sidecar", ".pstats"}


@sampled
def test_a_failing_program_is_told_with_its_own_exit_code(tmp_path: Path) -> None:
    write_work(tmp_path, 0.3)
    (tmp_path / "fail.py").write_text("import main, sys\nsys.exit(3)\n")
    with pytest.raises(WorkloadError, match="ended with exit code 3") as error:
        record(tmp_path, "python", "fail.py")
    assert error.value.code == "workload-failed"
    assert not list((tmp_path / "out").iterdir())


@sampled
def test_a_script_that_is_not_there_is_told_with_pythons_own_words(tmp_path: Path) -> None:
    with pytest.raises(WorkloadError, match="ended with exit code 2") as error:
        record(tmp_path, "python", "nowhere.py")
    assert error.value.code == "workload-failed"
    assert "can't open file" in error.value.message
    assert "nowhere.py" in error.value.message


@sampled
def test_a_program_that_leaves_no_word_is_told_with_its_last_lines(tmp_path: Path) -> None:
    text = "import os, sys\nprint('gave up', file=sys.stderr, flush=True)\nos._exit(0)\n"
    write(tmp_path, main=text)
    with pytest.raises(WorkloadError, match="gave up") as error:
        record(tmp_path, "python", "main.py")
    assert error.value.code == "workload-no-profile"


def test_without_the_right_to_look_cprofile_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(profiling, "why_not", lambda: "it is forbidden here")
    write_work(tmp_path, 0.1)
    run = record(tmp_path, "python", "main.py")
    assert run.profile.suffix == ".pstats"
    assert run.notes == ("profiled by cProfile: it is forbidden here",)
    with pytest.raises(WorkloadError, match="it is forbidden here") as error:
        record(tmp_path, "python", "main.py", profiler="py-spy")
    assert error.value.code == "sampler-unavailable"


def test_a_machine_without_a_sampler_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "find_sampler", lambda: None)
    assert sampling.why_not.__wrapped__() == "py-spy is not installed"


@sampled
def test_a_running_process(tmp_path: Path) -> None:
    write_work(tmp_path, 60.0)
    process = subprocess.Popen(
        [OWN, "main.py"], cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    try:
        _wait_until_busy(process.pid)
        run = attach(process.pid, tmp_path / "out", workspace=tmp_path, duration_s=1.0)
        assert process.poll() is None
    finally:
        process.kill()
        process.communicate()
    assert hottest(run, tmp_path) == "count"
    stored = read_sidecar(run.sidecar)
    assert stored is not None
    assert stored.command[-1] == "main.py"


def _wait_until_busy(pid: int) -> None:
    """Until the process has run for 0.3 s: it is past its start then."""
    ticks = os.sysconf("SC_CLK_TCK")
    while True:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        if int(fields[11]) + int(fields[12]) > 0.3 * ticks:
            return
        time.sleep(0.02)


@sampled
def test_what_can_not_be_attached_to(tmp_path: Path) -> None:
    gone = subprocess.Popen([OWN, "-c", ""])
    gone.wait()
    with pytest.raises(WorkloadError, match="there is no process") as error:
        attach(gone.pid, tmp_path, workspace=tmp_path, duration_s=1.0)
    assert error.value.code == "process-missing"
    sleeper = subprocess.Popen(["sleep", "60"])
    try:
        with pytest.raises(WorkloadError, match="can't be sampled") as error:
            attach(sleeper.pid, tmp_path, workspace=tmp_path, duration_s=1.0)
        assert error.value.code == "sampler-unavailable"
    finally:
        sleeper.kill()
        sleeper.wait()
    assert not list(tmp_path.iterdir())


def test_memory_by_memray(tmp_path: Path) -> None:
    write(
        tmp_path,
        main="from lib import work\nwork()\n",
        lib="""
        def work():
            return [large(), small()]

        def large():
            return bytearray(30_000_000)

        def small():
            return bytearray(1_000_000)
        """,
    )
    run = record_memory(
        ("python", "main.py"), tmp_path, tmp_path / "out", python=OWN, workspace=tmp_path
    )
    profile = load_profile(run.profile, tmp_path)
    assert profile.unit == "bytes"
    assert hottest(run, tmp_path) == "large"
    large = next(f for f in profile.functions if f.name == "large")
    assert 30_000_000 <= large.self_cost < 31_000_000


def test_memory_needs_memray_in_the_program_s_interpreter(tmp_path: Path) -> None:
    write(tmp_path, main="print(1)\n")
    bare = python_of(WANTED[0])
    with pytest.raises(WorkloadError, match="has no memray") as error:
        record_memory(
            ("python", "main.py"), tmp_path, tmp_path / "out", python=bare, workspace=tmp_path
        )
    assert error.value.mend.endswith("-m pip install memray")
