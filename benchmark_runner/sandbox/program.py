"""Runs a whole program under the policy "program": no network, writes only where it is told.

Unlike a worker it may start other programs. Used to measure a user's command on a scratch copy of
the tree, with code in it that nobody has read yet.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import select
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from analysis.progress import CancelToken
from benchmark_runner.receipt import Level
from benchmark_runner.sandbox import bwrap
from benchmark_runner.sandbox.files import remove_folder
from benchmark_runner.sandbox.layout import Layout, layout_of
from benchmark_runner.sandbox.limits import Limits, TreeLimits
from benchmark_runner.sandbox.policy import (
    SYSTEM_FILES,
    Confinement,
    Sandbox,
    environment,
    make_scratch,
)
from benchmark_runner.sandbox.probe import probe
from benchmark_runner.sandbox.watchdog import Tree
from benchmark_runner.worker import harness

_TAIL = 32_768
_POLL_S = 0.03
_START_S = 30.0
_GRACE_S = 2.0


@dataclass(frozen=True)
class ProgramRun:
    """How a program ran. `exit_code` is negative for a signal, as in subprocess.

    `cpu_s` is of the program and all that it started and that ended; `wall_s` does not count
    putting on the sandbox. `stdout` and `stderr` are the ends of what it wrote: hostile text.
    """

    exit_code: int
    wall_s: float
    cpu_s: float
    timed_out: bool
    level: Level
    stdout: str
    stderr: str
    stdout_sha256: str
    reason: str = ""
    """Which limit ended it: "timeout", "memory", "processes", "disk"; empty for none."""


def run_program(
    command: Sequence[str],
    *,
    cwd: Path,
    python: Path,
    writable: Sequence[Path],
    stdin: int | None = None,
    readable: Sequence[Path] = (),
    extra_environment: Mapping[str, str] | None = None,
    timeout_s: float = 600.0,
    limits: Limits | None = None,
    bounds: TreeLimits | None = None,
    sandbox: Sandbox | None = None,
    cancel: CancelToken | None = None,
) -> ProgramRun:
    """Run a command to its end, or to the timeout.

    Its standard input is the descriptor `stdin`, or empty. It reads the system, the interpreter
    `python`, and `readable`; it writes in `writable` and in a private scratch folder (its HOME and
    TMPDIR). Its environment is a worker's and
    `extra_environment`. `bounds` is for it and all that it starts. Raises
    InterpreterError, Cancelled. Where bubblewrap fails it says so in `stderr`.
    """
    sandbox = sandbox or Sandbox.reached()
    layout = layout_of(python)
    scratch = make_scratch(sandbox.level)
    bounds = bounds or TreeLimits()
    confinement = Confinement(
        sandbox=sandbox,
        layout=layout,
        limits=limits or Limits(file_bytes=bounds.output_bytes),
        project=(),
        more=tuple(readable),
        scratch=scratch,
        writable=tuple(writable),
    )
    values = {**environment(layout, scratch, 0), **(extra_environment or {})}
    values["PATH"] = f"{python.parent}:{values['PATH']}"
    folders = [*writable, *([] if sandbox.level == "L2" else [scratch])]
    try:
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            program = _start(command, confinement, layout, cwd, values, stdin, out, err)
            tree = Tree(program.popen.pid, bounds, folders)
            told = _wait(program, tree, timeout_s, cancel)
            return ProgramRun(
                exit_code=told.exit_code,
                wall_s=told.wall_s,
                cpu_s=told.cpu_s,
                timed_out=told.reason == "timeout",
                reason=told.reason,
                level=sandbox.level,
                stdout=_tail(out),
                stderr=_tail(err),
                stdout_sha256=_sha256(out),
            )
    finally:
        if sandbox.level != "L2":
            remove_folder(scratch)


@dataclass(frozen=True)
class _Started:
    popen: subprocess.Popen[bytes]
    report: int


@dataclass(frozen=True)
class _End:
    exit_code: int
    wall_s: float
    cpu_s: float
    reason: str


def _start(
    command: Sequence[str],
    own: Confinement,
    layout: Layout,
    cwd: Path,
    values: Mapping[str, str],
    stdin: int | None,
    out: IO[bytes],
    err: IO[bytes],
) -> _Started:
    """Start it behind the harness, which confines itself and then runs the command."""
    inside = own.sandbox.level == "L2"
    config_read, config_write = os.pipe()
    report_read, report_write = os.pipe()
    line = [str(layout.python), "-B", str(layout.harness), "execute"]
    line += [str(config_read), str(report_write), *command]
    info = os.open(os.devnull, os.O_WRONLY)
    try:
        if inside:
            start = bwrap.arguments(
                probe().bwrap or "bwrap",
                readable=own.readable(),
                files=SYSTEM_FILES,
                scratch=own.scratch,
                scratch_bytes=own.limits.scratch_bytes,
                chdir=cwd,
                info_fd=info,
                writable=own.writable,
            )
            line = [*start, *line]
        popen = subprocess.Popen(
            line,
            stdin=subprocess.DEVNULL if stdin is None else stdin,
            stdout=out,
            stderr=err,
            pass_fds=[config_read, report_write, info],
            start_new_session=True,
            cwd=None if inside else cwd,
            env=dict(values),
        )
    except BaseException:
        os.close(config_write)
        os.close(report_read)
        raise
    finally:
        os.close(config_read)
        os.close(report_write)
        os.close(info)
    parent = 0 if inside else os.getpid()
    data = harness.encode(own.jail(1 if inside else popen.pid, parent, "program"))
    with contextlib.suppress(BrokenPipeError), os.fdopen(config_write, "wb") as pipe:
        # Its sign that it is there, or the end of a start that failed.
        if select.select([report_read], [], [], _START_S)[0]:
            os.read(report_read, 1)
        pipe.write(data)
    return _Started(popen, report_read)


def _wait(program: _Started, tree: Tree, timeout_s: float, cancel: CancelToken | None) -> _End:
    """Wait for the end; end all that runs at the timeout, at a limit or a cancel."""
    popen, started = program.popen, time.monotonic()
    pidfd = os.pidfd_open(popen.pid)
    reason = ""
    try:
        while not reason and not select.select([pidfd], [], [], _POLL_S)[0]:
            reason = "timeout" if time.monotonic() - started > timeout_s else tree.broken()
            if cancel is not None:
                cancel.check()
        wall = time.monotonic() - started
        report = b"" if reason else os.read(program.report, 4096)
    finally:
        _end(popen, pidfd)
        os.close(pidfd)
        os.close(program.report)
    try:
        told = harness.decode_plain(report, 100)
        return _End(int(told["exit_code"]), float(told["wall_s"]), float(told["cpu_s"]), "")
    except (ValueError, TypeError, KeyError):
        return _End(popen.returncode or -signal.SIGKILL, wall, 0.0, reason)


def _end(popen: subprocess.Popen[bytes], pidfd: int) -> None:
    """Let the harness end its descendants, then kill what is left of the session."""
    with contextlib.suppress(OSError):
        popen.terminate()
    select.select([pidfd], [], [], _GRACE_S)
    with contextlib.suppress(OSError):
        os.killpg(popen.pid, signal.SIGKILL)
    popen.wait()


def _tail(file: IO[bytes]) -> str:
    size = file.seek(0, os.SEEK_END)
    file.seek(max(size - _TAIL, 0))
    return file.read(_TAIL).decode("utf-8", "replace")


def _sha256(file: IO[bytes]) -> str:
    file.seek(0)
    total = hashlib.sha256()
    while piece := file.read(1 << 20):
        total.update(piece)
    return total.hexdigest()
