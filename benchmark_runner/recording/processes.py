"""Runs one program of the user's: in its own session, cancellable, with nothing left behind."""

from __future__ import annotations

import contextlib
import os
import re
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from analysis.errors import Cancelled
from analysis.progress import CancelToken, Progress, silent
from benchmark_runner.recording.standard_input import Feed, StandardInput

_TAIL_BYTES = 16_384
_POLL_S = 0.05
_SPEAK_S = 0.5
_DRAIN_S = 1.0


@dataclass(frozen=True)
class Finished:
    """How a program ended. `code` is negative for a signal, as in subprocess."""

    code: int
    seconds: float
    timed_out: bool
    tail: str
    """The end of what it wrote to standard error."""

    stdout: bytes | None
    """What it wrote to standard output, where that was asked for."""

    @property
    def how(self) -> str:
        """The end in words."""
        if self.timed_out:
            return f"did not end within {self.seconds:.0f} s"
        if self.code < 0:
            return f"was killed by {signal.Signals(-self.code).name}"
        return f"ended with exit code {self.code}"

    def last_lines(self, count: int = 8) -> str:
        """The last lines of standard error."""
        return "\n".join(self.tail.rstrip().splitlines()[-count:])


def _session_members(session: int) -> list[int]:
    """Processes of the session, also those that made a process group of their own (Linux)."""
    members = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            fields = entry.read_text("ascii", "replace").rpartition(")")[2].split()
            if int(fields[3]) == session:
                members.append(int(entry.parent.name))
    return members


def kill_session(leader: int) -> None:
    """Kill every process of the session that `leader` started, until none is left."""
    for _ in range(20):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(leader, signal.SIGKILL)
        others = [pid for pid in _session_members(leader) if pid != leader]
        for pid in others:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        if not others:
            return


def _has_ended(pid: int) -> bool:
    """Whether the child has ended; it is not reaped yet, so that its number stays taken."""
    options = os.WEXITED | os.WNOHANG | os.WNOWAIT
    return os.waitid(os.P_PID, pid, options) is not None


class _Pump:
    """Serves the program's pipes: the end of stderr is kept and passed on, stdout is kept.

    Where `stdin` is a pipe itself, the program's is fed from it.
    """

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        echo: int | None,
        limit: int,
        mute: re.Pattern[bytes] | None,
        stdin: StandardInput | None,
    ) -> None:
        self.mute = mute
        self.selector = selectors.DefaultSelector()
        self.echo = echo
        self.limit = limit
        self.tail = bytearray()
        self.stdout = bytearray()
        for stream, name in ((process.stderr, "err"), (process.stdout, "out")):
            if stream is not None:
                os.set_blocking(stream.fileno(), False)
                self.selector.register(stream, selectors.EVENT_READ, name)
        self.feed: Feed | None = None
        if stdin is not None and process.stdin is not None:
            self.feed = Feed(stdin, process.stdin, self.selector)

    def read(self, seconds: float) -> bool:
        """Wait for output at most `seconds`; False when nothing came."""
        if self.feed is not None:
            self.feed.step()
        if not self.selector.get_map():
            time.sleep(seconds)
            return False
        ready = self.selector.select(seconds)
        for key, _ in ready:
            if key.data == "in":
                continue  # the next step passes it on
            stream: IO[bytes] = key.fileobj  # type: ignore[assignment]
            data = os.read(stream.fileno(), 65_536)
            if not data:
                self.selector.unregister(stream)
            elif key.data == "out" and self.mute is not None:
                self._pass_on(self.mute.sub(b"", data))
            elif key.data == "out":
                self.stdout += data[: max(0, self.limit - len(self.stdout))]
            else:
                self.tail = (self.tail + data)[-_TAIL_BYTES:]
                self._pass_on(data)
        return bool(ready)

    def _pass_on(self, data: bytes) -> None:
        if self.echo is None:
            return
        try:
            while data:
                data = data[os.write(self.echo, data) :]
        except OSError:
            self.echo = None  # whoever read our standard error has gone

    def stop_feeding(self) -> None:
        """Give the program nothing more to read."""
        if self.feed is not None:
            self.feed.stop()
            self.feed = None

    def close(self) -> None:
        self.selector.close()


def _stderr_number() -> int | None:
    try:
        return sys.stderr.fileno()
    except (AttributeError, OSError, ValueError):
        return None


def run(
    argv: Sequence[str],
    cwd: Path,
    *,
    label: str,
    timeout_s: float,
    environment: Mapping[str, str] | None = None,
    keep_stdout: int | None = None,
    stdin: StandardInput | None = None,
    echo: bool = True,
    pass_fds: Sequence[int] = (),
    mute: re.Pattern[bytes] | None = None,
    progress: Progress = silent,
    cancel: CancelToken | None = None,
) -> Finished:
    """Run a program to its end. Raises Cancelled; whatever happens, its processes are gone after.

    The program reads `stdin`, or nothing without one. Standard output goes to our standard error
    (`--json` owns ours), or is kept up to `keep_stdout` bytes; what `mute` matches of it is not
    passed on. Past `timeout_s` seconds the
    program is killed. A process that made a session of its own is a daemon on purpose and is
    left alone.
    """
    cancel = cancel or CancelToken()
    cancel.check()
    piped = keep_stdout is not None or mute is not None
    out = subprocess.PIPE if piped else (_stderr_number() or subprocess.DEVNULL)
    handed = subprocess.DEVNULL if stdin is None else stdin.for_run()
    if handed is None:
        handed = subprocess.PIPE
    started = time.perf_counter()
    process = subprocess.Popen(
        list(argv),
        cwd=cwd,
        env=None if environment is None else dict(environment),
        stdin=handed,
        stdout=out,
        stderr=subprocess.PIPE,
        start_new_session=True,
        pass_fds=tuple(pass_fds),
    )
    pump = _Pump(process, _stderr_number() if echo else None, keep_stdout or 0, mute, stdin)
    spoken = started
    timed_out = False
    try:
        while not _has_ended(process.pid):
            pump.read(_POLL_S)
            cancel.check()
            now = time.perf_counter()
            if now - spoken >= _SPEAK_S:
                spoken = now
                progress(f"{label}: {now - started:.1f} s", None)
            if now - started > timeout_s:
                timed_out = True
                break
        seconds = time.perf_counter() - started
    except KeyboardInterrupt as error:
        raise Cancelled from error
    finally:
        kill_session(process.pid)
        code = process.wait()
        pump.stop_feeding()
        ending = time.perf_counter() + _DRAIN_S
        while pump.selector.get_map() and time.perf_counter() < ending and pump.read(_POLL_S):
            pass
        pump.close()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()
    if code == -signal.SIGINT:
        raise Cancelled
    tail = pump.tail.decode("utf-8", "replace")
    stdout = bytes(pump.stdout) if keep_stdout is not None else None
    return Finished(code, seconds, timed_out, tail, stdout)
