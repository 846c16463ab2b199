"""Runs compiled programs under the policy "run": they read standard input, compute, and write.

No network, no other process, no exec; they write in a fresh folder that ends with the run. What
is not allowed and has no honest use ends the program (`BinaryRun.reason` is then "blocked").
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, cast

from analysis.progress import CancelToken
from benchmark_runner.errors import SandboxError
from benchmark_runner.receipt import Level
from benchmark_runner.sandbox import bwrap, launcher
from benchmark_runner.sandbox.files import remove_folder
from benchmark_runner.sandbox.layout import layout_of
from benchmark_runner.sandbox.limits import BinaryLimits, Limits
from benchmark_runner.sandbox.policy import SYSTEM_FILES, Confinement, Sandbox, make_scratch
from benchmark_runner.sandbox.probe import probe
from benchmark_runner.sandbox.process import spawn_for_good
from benchmark_runner.worker import harness

Reason = Literal[
    "", "timeout", "memory", "disk", "threads", "output", "blocked", "cancelled", "signal"
]

_ANSWER = 1 << 16
_GRACE_S = 10.0
_POLL_S = 0.2
_SANITIZERS = {
    # No leak check (it needs ptrace) and no symbolizer (it needs a process).
    "ASAN_OPTIONS": "detect_leaks=0:symbolize=0:abort_on_error=0:exitcode=86:disable_coredump=1",
    "UBSAN_OPTIONS": "symbolize=0:print_stacktrace=0:halt_on_error=1:exitcode=86",
}


@dataclass(frozen=True)
class BinaryRun:
    """How a program ran. `signal` is 0 when it ended by itself, `exit_code` then its code.

    `cpu_s` is CPU seconds of the program alone, all threads, by the kernel, from its exec on.
    `peak_rss` is its peak resident memory in bytes; below `rss_floor` the kernel can't tell it
    from that of the process it was started from. `reason` tells why it did not end well: a limit,
    "blocked" (it tried what is not allowed, and was ended for it), "signal" (a crash of its own),
    or empty, whatever the exit code. Output is capped at `BinaryLimits.output_bytes`, and hostile.
    """

    exit_code: int
    signal: int
    stdout: bytes
    stderr: bytes
    cpu_s: float
    wall_s: float
    peak_rss: int
    rss_floor: int
    reason: Reason
    level: Level
    in_line_s: float = 0.0
    """Of `wall_s`, about how long its main thread stood in line for a CPU."""

    @property
    def timed_out(self) -> bool:
        """Whether it ran into the wall time limit."""
        return self.reason == "timeout"


class BinaryRunner:
    """Runs programs one after another; ends with its context. From one thread at a time.

    `readable` are the folders and files that the programs may read beside the system's: each
    program must lie in one of them. Each run starts in a fresh empty folder.
    """

    def __init__(
        self,
        readable: Sequence[Path],
        *,
        limits: BinaryLimits | None = None,
        sandbox: Sandbox | None = None,
    ) -> None:
        self.limits = limits or BinaryLimits()
        self.sandbox = sandbox or Sandbox.reached()
        self._lock = threading.Lock()
        self._closed = False
        self._layout = layout_of(Path(sys.executable))
        own = (*self._layout.readable, self._layout.harness, Path(launcher.__file__))
        self._shown = [Path(os.path.realpath(path)) for path in readable]
        self._shown += [path for path in readable if path not in self._shown]
        self._scratch = make_scratch(self.sandbox.level)
        self._confinement = Confinement(
            sandbox=self.sandbox,
            layout=self._layout,
            limits=Limits(),
            project=(),
            more=tuple(self._shown),
            scratch=self._scratch,
        )
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            self._popen = self._start(theirs, [*own, *self._shown])
        except BaseException:
            self._control.close()
            self._clean()
            raise
        finally:
            theirs.close()

    def _start(self, theirs: socket.socket, shown: Sequence[Path]) -> subprocess.Popen[bytes]:
        inside = self.sandbox.level == "L2"
        line = [str(self._layout.python), "-I", "-S", "-B", str(Path(launcher.__file__))]
        line += [str(theirs.fileno()), str(self._layout.harness), str(self._scratch)]
        line.append("0" if inside else str(os.getpid()))
        with contextlib.ExitStack() as stack:
            inherited = [theirs.fileno()]
            if inside:
                info = os.open(os.devnull, os.O_WRONLY)
                stack.callback(os.close, info)
                inherited.append(info)
                start = bwrap.arguments(
                    probe().bwrap or "bwrap",
                    readable=shown,
                    files=SYSTEM_FILES,
                    scratch=self._scratch,
                    scratch_bytes=self.limits.scratch_bytes,
                    chdir=Path("/"),
                    info_fd=info,
                )
                line = [*start, *line]
            return spawn_for_good(
                line,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=inherited,
                start_new_session=True,
                cwd="/",
                env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
            )

    def __enter__(self) -> BinaryRunner:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all that runs and remove its files."""
        if self._closed:
            return
        self._closed = True
        self._control.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._popen.wait(1.0)  # it ends its program and itself
        with contextlib.suppress(OSError):
            os.killpg(self._popen.pid, signal.SIGKILL)
        self._popen.wait()
        self._clean()

    def _clean(self) -> None:
        if self.sandbox.level != "L2":
            remove_folder(self._scratch)

    def run(
        self,
        argv: Sequence[str | Path],
        *,
        stdin: bytes = b"",
        cwd: Path | None = None,
        sanitizers: bool = False,
        wall_s: float | None = None,
        environment: Mapping[str, str] | None = None,
        cancel: CancelToken | None = None,
    ) -> BinaryRun:
        """One run. `argv[0]` is an absolute path; `wall_s` replaces the limit's.

        The environment is PATH, LANG, HOME and TMPDIR (the run's folder), for `sanitizers` their
        options, and `environment`. Raises SandboxError (it can't be started), Cancelled.
        """
        program = Path(argv[0])
        seconds = self.limits.wall_s if wall_s is None else wall_s
        values = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", **_one_thread()}
        values |= _SANITIZERS if sanitizers else {}
        values |= environment or {}
        exec_at = _addresses()
        request = {
            "argv": [os.fspath(part) for part in argv],
            "environment": [f"{name}={value}" for name, value in values.items()],
            "cwd": None if cwd is None else os.fspath(cwd),
            "exec_at": list(exec_at),
            "jail": self._confinement.binary_jail(program, self.limits, exec_at),
            "write_access": self._confinement.write_access(),
            "wall_s": float(seconds),
            "memory": self.limits.memory,
            "threads": self.limits.threads,
            "scratch_bytes": self.limits.scratch_bytes,
        }
        with self._lock, contextlib.ExitStack() as stack:
            files = [_input(stdin), _output("hasten-stdout"), _output("hasten-stderr")]
            for file in files:
                stack.callback(os.close, file)
            told = self._ask(harness.encode(request), files, seconds, cancel)
            if "error" in told:
                raise _not_started(program, str(told["error"]))
            return self._told(told, files)

    def _ask(
        self, data: bytes, files: list[int], seconds: float, cancel: CancelToken | None
    ) -> dict[str, Any]:
        """Send one request and wait for its answer; a cancel stops the program first."""
        until = time.monotonic() + seconds + _GRACE_S
        try:
            socket.send_fds(self._control, [data], files)
            while True:
                self._control.settimeout(_POLL_S)
                with contextlib.suppress(TimeoutError):
                    answer = self._control.recv(_ANSWER)
                    break
                if cancel is not None and cancel.cancelled:
                    self.close()
                    cancel.check()
                if time.monotonic() > until:
                    self.close()
                    raise SandboxError(
                        "the process that starts programs does not answer",
                        code="sandbox-launcher",
                        mend="try again; the machine may be out of memory or processes",
                    )
            told = harness.decode_plain(answer, 100)
        except (OSError, ValueError) as error:
            self.close()
            raise SandboxError(
                f"the process that starts programs ended: {error}",
                code="sandbox-launcher",
                mend="run `hasten doctor`",
            ) from error
        return cast("dict[str, Any]", told)

    def _told(self, told: dict[str, Any], files: Sequence[int]) -> BinaryRun:
        status, most = int(told["status"]), self.limits.output_bytes
        killed = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        sizes = [os.fstat(file).st_size for file in files[1:]]
        return BinaryRun(
            exit_code=os.WEXITSTATUS(status) if os.WIFEXITED(status) else -killed,
            signal=killed,
            stdout=_content(files[1], most),
            stderr=_content(files[2], most),
            cpu_s=told["cpu_ns"] / 1e9,
            wall_s=told["wall_ns"] / 1e9,
            peak_rss=int(told["peak"]),
            rss_floor=int(told["floor"]),
            reason=_reason(str(told["reason"]), killed, max(sizes) >= most),
            level=self.sandbox.level,
            in_line_s=told["in_line_ns"] / 1e9,
        )


def run_binary(
    argv: Sequence[str | Path],
    *,
    stdin: bytes = b"",
    cwd: Path | None = None,
    readable: Sequence[Path] = (),
    limits: BinaryLimits | None = None,
    sanitizers: bool = False,
    environment: Mapping[str, str] | None = None,
    sandbox: Sandbox | None = None,
    cancel: CancelToken | None = None,
) -> BinaryRun:
    """One run of one program, which may read itself and `readable`; see `BinaryRunner.run`.

    Many runs of one program are cheaper with a BinaryRunner of one's own.
    """
    shown = [Path(argv[0]), *readable, *([] if cwd is None else [cwd])]
    with BinaryRunner(shown, limits=limits, sandbox=sandbox) as runner:
        return runner.run(
            argv,
            stdin=stdin,
            cwd=cwd,
            sanitizers=sanitizers,
            environment=environment,
            cancel=cancel,
        )


def _one_thread() -> dict[str, str]:
    return {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}


def _addresses() -> tuple[int, int, int]:
    """Three random addresses for the only execve that a run's filter allows.

    Drawn below where programs, stacks and libraries are mapped, from a range that machines with
    39-bit addresses have too, and far enough apart for the longest of arguments.
    """
    third = 1 << 34
    found = []
    for index in range(3):
        offset = secrets.randbelow((third - (1 << 24)) >> 3) << 3
        found.append((1 << 36) + index * third + offset)
    return found[0], found[1], found[2]


def _input(data: bytes) -> int:
    """A sealed file in memory: the program can't change what it is read from."""
    import fcntl

    file = os.memfd_create("hasten-stdin", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(file, view) :]
        fcntl.fcntl(file, fcntl.F_ADD_SEALS, 0xF)
        return os.open(f"/proc/self/fd/{file}", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        os.close(file)


def _output(name: str) -> int:
    return os.memfd_create(name, os.MFD_CLOEXEC)


def _content(file: int, most: int) -> bytes:
    pieces, at = [], 0
    while at < most and (piece := os.pread(file, min(most - at, 1 << 20), at)):
        pieces.append(piece)
        at += len(piece)
    return b"".join(pieces)


def _reason(told: str, killed: int, full: bool) -> Reason:
    if told in ("timeout", "memory", "disk", "threads", "cancelled"):
        return cast("Reason", told)
    if killed == signal.SIGSYS:
        return "blocked"
    if full or killed == signal.SIGXFSZ:
        return "output"
    return "signal" if killed else ""


def _not_started(program: Path, why: str) -> SandboxError:
    return SandboxError(
        f"{program}: can't be started in the sandbox: {why}",
        code="program-not-started",
        mend="check that it is there, may be executed, and was built for this machine",
    )
