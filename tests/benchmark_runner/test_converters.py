"""Profiles that only their own tool can read: with the real tools, and with bad ones."""

from __future__ import annotations

import gzip
import shutil
import subprocess
import threading
from pathlib import Path

import pytest

from analysis.errors import AnalysisError, Cancelled
from analysis.progress import CancelToken
from benchmark_runner.recording import converters
from benchmark_runner.recording.converters import read_profile
from benchmark_runner.sandbox.probe import probe

DATA = Path(__file__).resolve().parents[1] / "data" / "profiles"
PERF = b"PERFILE2" + bytes(200)

needs_sandbox = pytest.mark.skipif(probe().level == "L0", reason="there is no sandbox here")


def needs(*tools: str) -> pytest.MarkDecorator:
    missing = [tool for tool in tools if shutil.which(tool) is None]
    return pytest.mark.skipif(bool(missing), reason=f"not on PATH: {', '.join(missing)}")


@pytest.fixture
def workspace(tmp_path):
    """The workload in a folder of its own."""
    folder = tmp_path / "project"
    shutil.copytree(DATA / "workload", folder)
    return folder


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """Put a tool of that name on PATH, and nothing else."""

    def fake(name: str, script: str) -> Path:
        tool = tmp_path / "tools" / "bin" / name
        tool.parent.mkdir(parents=True, exist_ok=True)
        tool.write_text(f"#!/bin/sh\n{script}\n")
        tool.chmod(0o755)
        monkeypatch.setenv("PATH", str(tool.parent))
        return tool

    return fake


def built(workspace: Path, *flags: str) -> Path:
    program = workspace / "workload"
    command = ["gcc", "-O1", "-g", *flags, "-o", program, workspace / "workload.c"]
    subprocess.run(command, check=True)
    return program


def shares(profile):
    return {f.name: f.self_cost / profile.total for f in profile.functions if f.path}


def refusal(*arguments, **more) -> AnalysisError:
    with pytest.raises(AnalysisError) as caught:
        read_profile(*arguments, **more)
    return caught.value


# -- the real tools --------------------------------------------------------------------------------


@needs_sandbox
@needs("gcc", "gprof")
def test_gmon_out_is_read_with_its_program(workspace):
    program = built(workspace, "-pg", "-fno-pie", "-no-pie")
    subprocess.run([program, "4000"], cwd=workspace, check=True, capture_output=True)
    profile = read_profile(workspace / "gmon.out", workspace, program=program)
    assert (profile.tool, profile.unit) == ("gprof", "seconds")
    found = shares(profile)
    assert max(found, key=found.__getitem__) == "count_pairs"
    error = refusal(workspace / "gmon.out", workspace)
    assert error.code == "profile-needs-tool"
    assert "--program" in error.message


@needs_sandbox
@needs("gcc", "google-pprof", "nm", "addr2line")
def test_gperftools_files_are_read_with_their_program(workspace):
    path = DATA / "gperftools" / "workload.prof"
    try:
        program = built(workspace, "-fno-pie", "-no-pie", "-Wl,--no-as-needed", "-lprofiler")
    except subprocess.CalledProcessError:
        pytest.skip("gperftools' library is not here")
    out = workspace / "cpu.prof"
    subprocess.run([program, "8000"], check=True, capture_output=True, env={"CPUPROFILE": str(out)})
    profile = read_profile(out, workspace, program=program)
    assert (profile.tool, profile.unit) == ("gperftools", "samples")
    found = shares(profile)
    assert max(found, key=found.__getitem__) == "count_pairs"
    assert profile.lines
    assert refusal(path, workspace, program=workspace / "none").code == "profile-needs-tool"


@needs_sandbox
@needs("jfr")
def test_recordings_of_the_jvm_are_read(workspace, tmp_path):
    path = tmp_path / "workload.jfr"
    path.write_bytes(gzip.decompress((DATA / "jfr" / "workload.jfr.gz").read_bytes()))
    error = refusal(path, workspace)
    assert error.code == "profile-language"  # it was read, and is of Java
    assert str(path) in error.message
    packed = refusal(DATA / "jfr" / "workload.jfr.gz", workspace)
    assert packed.code == "profile-needs-tool"
    assert "unpack" in packed.message


@needs_sandbox
@needs("gcc", "perf")
def test_perf_data_are_read(workspace):
    program = built(workspace)
    out = workspace / "perf.data"
    command = ["perf", "record", "-e", "cpu-clock", "-g", "-o", out, program, "3000"]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode or not out.is_file():
        pytest.skip("perf may not record here")
    profile = read_profile(out, workspace)
    assert profile.tool == "perf"
    found = shares(profile)
    assert max(found, key=found.__getitem__) == "count_pairs"


@needs_sandbox
def test_memray_is_run_under_an_interpreter_that_has_it(workspace):
    tool = converters._memray(None, workspace)
    if tool is None:
        error = refusal(DATA / "memray" / "workload.bin", workspace)
        assert error.code == "profile-needs-tool"
        assert "memray" in error.message
        return
    out = workspace / "memray.bin"
    command = [*tool.words, "run", "-q", "-f", "-o", out, "main.py", "2"]
    subprocess.run(command, cwd=workspace, check=True, capture_output=True)
    profile = read_profile(out, workspace)
    assert (profile.tool, profile.unit) == ("memray", "bytes")
    assert max(profile.memory, key=lambda line: line.allocated_bytes).path.endswith("grids.py")


def test_other_formats_need_no_tool(workspace, monkeypatch):
    monkeypatch.setattr(converters, "_convert", None)
    profile = read_profile(DATA / "callgrind" / "workload.out", workspace)
    assert profile.tool == "callgrind"


# -- tools that are missing, fail, hang, or never stop ---------------------------------------------


@pytest.fixture
def recording(tmp_path):
    path = tmp_path / "perf.data"
    path.write_bytes(PERF)
    return path


def test_a_missing_tool_is_named(workspace, recording, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    error = refusal(recording, workspace)
    assert error.code == "profile-needs-tool"
    assert "perf" in error.message
    assert "linux-perf" in error.mend


def test_a_tool_of_the_workspace_is_never_started(workspace, recording, monkeypatch):
    marker = workspace / "started"
    tool = workspace / "bin" / "perf"
    tool.parent.mkdir()
    tool.write_text(f"#!/bin/sh\ntouch {marker}\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tool.parent))
    assert refusal(recording, workspace).code == "profile-needs-tool"
    assert not marker.exists()


@needs_sandbox
def test_what_a_tool_prints_is_read_and_named_by_the_profile(workspace, recording, fake):
    text = (DATA / "gprof" / "flat.txt").read_text()
    fake("perf", f"cat <<'END'\n{text}END")
    profile = read_profile(recording, workspace)
    assert profile.tool == "gprof"
    assert max(shares(profile).values()) == shares(profile)["count_pairs"]
    fake("perf", "echo nothing of a profile")
    error = refusal(recording, workspace)
    assert error.code == "profile-unknown"
    assert str(recording) in error.message


@needs_sandbox
def test_a_tool_sees_the_profile_and_not_what_lies_beside_it(workspace, recording, fake):
    secret = recording.parent / "secret.txt"
    secret.write_text((DATA / "gprof" / "flat.txt").read_text())
    fake("perf", f'while read -r line; do echo "$line"; done < {secret}')
    assert refusal(recording, workspace).code == "profile-damaged"


@needs_sandbox
def test_a_tool_that_fails_is_quoted(workspace, recording, fake):
    fake("perf", "echo 'magic is \033[31mwrong' >&2; echo '  at frame' >&2; exit 3")
    error = refusal(recording, workspace)
    assert error.code == "profile-damaged"
    assert "magic is ?[31mwrong" in error.message


@needs_sandbox
def test_a_tool_that_hangs_is_ended(workspace, recording, fake):
    fake("perf", "while :; do :; done")
    error = refusal(recording, workspace, timeout_s=0.5)
    assert error.code == "profile-damaged"
    assert "timeout" in error.message


@needs_sandbox
def test_a_tool_that_hangs_is_cancelled(workspace, recording, fake):
    fake("perf", "while :; do :; done")
    cancel = CancelToken()
    timer = threading.Timer(0.5, cancel.cancel)
    timer.start()
    with pytest.raises(Cancelled):
        read_profile(recording, workspace, cancel=cancel)
    timer.join()


@needs_sandbox
def test_a_tool_that_prints_without_end_is_ended(workspace, recording, fake, monkeypatch):
    monkeypatch.setattr(converters, "MAX_TEXT_BYTES", 1 << 20)
    monkeypatch.setattr(converters, "_SCRATCH", 1 << 20)
    fake(
        "perf", "while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done"
    )
    error = refusal(recording, workspace, timeout_s=60)
    assert error.code == "profile-too-large"


@needs_sandbox
def test_a_tool_reaches_no_network_and_writes_nowhere(workspace, recording, fake, tmp_path):
    marker = tmp_path / "written"
    fake("perf", f"echo x > {marker}; echo x > {workspace}/written; exit 3")
    assert refusal(recording, workspace).code == "profile-damaged"
    assert not marker.exists()
    assert not (workspace / "written").exists()


def test_without_a_sandbox_no_tool_is_started(workspace, recording, fake, monkeypatch):
    from benchmark_runner.sandbox.policy import Sandbox

    monkeypatch.setattr(Sandbox, "reached", classmethod(lambda cls: cls("L0")))
    fake("perf", "echo started")
    error = refusal(recording, workspace)
    assert error.code == "profile-needs-tool"
    assert "sandbox" in error.message
