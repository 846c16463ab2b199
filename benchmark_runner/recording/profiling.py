"""Records profiles: by py-spy where it may look into processes, else by cProfile; memory by memray.

It is the user's program, so it runs as they run it: their environment, their files, no sandbox.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from analysis.errors import AnalysisError
from analysis.profiles.load import load_profile
from analysis.progress import CancelToken, Progress, silent
from benchmark_runner.errors import WorkloadError
from benchmark_runner.recording import processes
from benchmark_runner.recording.command import PythonCommand, parse_command
from benchmark_runner.recording.record import (
    RecordedRun,
    keep,
    record_profile,
    run_recorder,
    said_of,
)
from benchmark_runner.recording.sampling import CHATTER, ENOUGH, RATE, sampler_command, why_not
from benchmark_runner.recording.standard_input import StandardInput
from benchmark_runner.sandbox.leftovers import own_folder

Profiler = Literal["auto", "py-spy", "cprofile"]
MEMORY_STACKS = Path(__file__).with_name("memory_stacks.py")
_SAMPLER_S = 30.0  # that py-spy may take to write its file after a program's last second


def record_time(
    command: Sequence[str],
    cwd: Path,
    folder: Path,
    *,
    python: Path,
    workspace: Path,
    profiler: Profiler = "auto",
    rate: int = RATE,
    native: bool = False,
    stdin: StandardInput | None = None,
    timeout_s: float = 600.0,
    progress: Progress = silent,
    cancel: CancelToken | None = None,
) -> RecordedRun:
    """Run the program under a profiler and keep its profile with a sidecar in `folder`.

    "auto" samples with py-spy; where that is not allowed here, fails, or sees too little of a
    short run, cProfile runs the program (again); a note says so. `rate` is in samples a second;
    `native` has py-spy tell the frames of extension modules too. The program reads `stdin`, or
    nothing; where a second run could not read the same, few samples are kept, and a note says so.

    Raises WorkloadError (as `record_profile`; sampler-unavailable where py-spy was asked for and
    can't be had) or Cancelled; then nothing is kept.
    """
    folder.mkdir(parents=True, exist_ok=True)
    number, notes = time.time_ns(), []
    if profiler != "cprofile":
        reason = why_not()
        if reason is None:
            try:
                return _sample(
                    command, cwd, folder / f"{number}.speedscope", python=python,
                    workspace=workspace, rate=rate, native=native,
                    least=ENOUGH if profiler == "auto" else 1,
                    stdin=stdin, timeout_s=timeout_s, progress=progress, cancel=cancel,
                )  # fmt: skip
            except _NotSampled as error:
                reason = str(error)
        if profiler == "py-spy":
            raise WorkloadError(
                f"the program can't be sampled: {reason}",
                code="sampler-unavailable",
                mend="take --profiler cprofile, or see `hasten doctor`",
            )
        notes.append(f"profiled by cProfile: {reason}")
    run = record_profile(
        command, cwd, folder / f"{number}.pstats", workspace=workspace, python=python,
        stdin=stdin, timeout_s=timeout_s, progress=progress, cancel=cancel,
    )  # fmt: skip
    return RecordedRun(run.profile, run.sidecar, run.seconds, run.threads, (*notes, *run.notes))


class _NotSampled(Exception):
    """py-spy saw nothing, or too little, of a program that ended well."""


def _sample(
    command: Sequence[str],
    cwd: Path,
    out: Path,
    *,
    python: Path,
    workspace: Path,
    rate: int,
    native: bool,
    least: int,
    stdin: StandardInput | None,
    timeout_s: float,
    progress: Progress,
    cancel: CancelToken | None,
) -> RecordedRun:
    parsed = parse_command(command, cwd, python)
    said_file = out.with_name(out.name + ".run")
    created = time.time()
    try:
        try:
            ended = run_recorder(
                parsed, {"action": "run", "out": str(out)}, cwd,
                timeout_s=timeout_s, doing="profiling", progress=progress, cancel=cancel,
                around=lambda words: sampler_command(
                    out, rate=rate, native=native, program=words
                ),
                mute=CHATTER, stdin=stdin,
            )  # fmt: skip
        except WorkloadError as error:
            if error.code == "workload-timeout":
                raise
            # py-spy's own exit code: the program's is in what the recorder wrote
            raise _NotSampled("py-spy could not follow it") from error
        try:
            seconds, _ = said_of(said_file, out, parsed, ended)
        except WorkloadError as error:
            if error.code == "workload-no-profile" and said_file.exists() and not out.exists():
                raise _NotSampled("it ended before py-spy saw it") from error
            raise
        samples = _samples_in(out, workspace, rate)
        notes: tuple[str, ...] = ()
        if samples < least:
            few = f"{samples} samples of {seconds:.1f} s are too few to tell shares"
            why = stdin.why_not_again() if stdin is not None else None
            if not samples or why is None:
                raise _NotSampled(few)
            notes = (f"{few}; the program was not run again under cProfile: {why}",)
        sidecar = keep(out, command, cwd, workspace, seconds=seconds, created=created)
    except BaseException:
        out.unlink(missing_ok=True)
        raise
    finally:
        said_file.unlink(missing_ok=True)
    return RecordedRun(out, sidecar, seconds, 0, notes)


def _samples_in(out: Path, workspace: Path, rate: int) -> int:
    """How many samples a profile holds, from its seconds. Raises _NotSampled where it has none."""
    try:
        profile = load_profile(out, workspace)
    except AnalysisError as error:
        raise _NotSampled(f"what py-spy saw of it tells nothing: {error.message}") from error
    return round(profile.total * rate) if profile.unit == "seconds" else 0


def attach(
    pid: int,
    folder: Path,
    *,
    workspace: Path,
    duration_s: float,
    rate: int = RATE,
    native: bool = False,
    progress: Progress = silent,
    cancel: CancelToken | None = None,
) -> RecordedRun:
    """Sample a process that runs already for `duration_s` seconds, or until it ends.

    Raises WorkloadError: process-missing, sampler-unavailable (no right to look into it),
    workload-no-profile (it did nothing in Python functions of this workspace); or Cancelled. The
    process goes on as it was.
    """
    reason = why_not()
    if reason is not None:
        raise WorkloadError(
            f"process {pid} can't be sampled: {reason}",
            code="sampler-unavailable",
            mend="see `hasten doctor`",
        )
    if not Path(f"/proc/{pid}").exists():
        raise WorkloadError(
            f"there is no process {pid}", code="process-missing", mend="look it up with ps or pgrep"
        )
    folder.mkdir(parents=True, exist_ok=True)
    out, created = folder / f"{time.time_ns()}.speedscope", time.time()
    words = sampler_command(out, rate=rate, native=native, pid=pid, seconds=duration_s)
    try:
        ended = processes.run(
            words, Path("/"), label=f"sampling process {pid}", timeout_s=duration_s + _SAMPLER_S,
            echo=False, progress=progress, cancel=cancel,
        )  # fmt: skip
        if ended.code or ended.timed_out or not out.exists():
            raise WorkloadError(
                f"process {pid} can't be sampled: py-spy {ended.how}:\n{ended.last_lines(3)}",
                code="sampler-unavailable",
                mend="it must be a Python process that you may trace: as its user, with"
                " kernel.yama.ptrace_scope at 0, or as root",
            )
        command = _command_of(pid) or (f"process {pid}",)
        sidecar = keep(
            out, command, Path("/"), workspace, seconds=time.time() - created, created=created
        )
    except BaseException:
        out.unlink(missing_ok=True)
        raise
    return RecordedRun(out, sidecar, ended.seconds, 0, ())


def _command_of(pid: int) -> tuple[str, ...]:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return ()
    return tuple(word.decode("utf-8", "replace") for word in words if word)


def record_memory(
    command: Sequence[str],
    cwd: Path,
    folder: Path,
    *,
    python: Path,
    workspace: Path,
    stdin: StandardInput | None = None,
    timeout_s: float = 600.0,
    progress: Progress = silent,
    cancel: CancelToken | None = None,
) -> RecordedRun:
    """Run the program under memray and keep what is held at the peak, in bytes by stack.

    memray runs inside the program, so the program's interpreter must have it. Raises WorkloadError
    (as `record_profile`, and profiler-missing) or Cancelled; then nothing is kept.
    """
    parsed = parse_command(command, cwd, python)
    _require_memray(parsed)
    folder.mkdir(parents=True, exist_ok=True)
    out, created = folder / f"{time.time_ns()}.speedscope", time.time()
    try:
        with tempfile.TemporaryDirectory(prefix="hasten-", dir=own_folder()) as scratch:
            recording = Path(scratch) / "memory.bin"
            ended = run_recorder(
                parsed, {"action": "memory", "out": str(recording)}, cwd,
                timeout_s=timeout_s, doing="recording memory of", progress=progress, cancel=cancel,
                stdin=stdin,
            )  # fmt: skip
            said = recording.with_name(recording.name + ".run")
            seconds, _ = said_of(said, recording, parsed, ended)
            ended = processes.run(
                [str(parsed.python), "-I", str(MEMORY_STACKS), str(recording), str(out)],
                Path(scratch), label="reading memray's recording", timeout_s=timeout_s,
                progress=progress, cancel=cancel,
            )  # fmt: skip
        if ended.code or ended.timed_out:
            raise WorkloadError(
                f"memray's recording can't be read: it {ended.how}:\n{ended.last_lines(3)}",
                code="workload-no-profile",
                mend="try a newer memray, or a shorter run",
            )
        sidecar = keep(out, command, cwd, workspace, seconds=seconds, created=created)
    except BaseException:
        out.unlink(missing_ok=True)
        raise
    return RecordedRun(out, sidecar, seconds, 0, ())


def _require_memray(command: PythonCommand) -> None:
    ended = processes.run(
        [str(command.python), "-c", "import memray"], Path("/"),
        label="looking for memray", timeout_s=60.0, echo=False,
    )  # fmt: skip
    if ended.code:
        raise WorkloadError(
            f"{command.python} has no memray",
            code="profiler-missing",
            mend=f"{os.fspath(command.python)} -m pip install memray",
        )
