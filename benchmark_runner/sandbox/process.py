"""The process of a worker: started confined, killed and reaped with all that it had."""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

from benchmark_runner.errors import SandboxError
from benchmark_runner.sandbox import bwrap
from benchmark_runner.sandbox.files import output_file, remove_folder
from benchmark_runner.sandbox.needs import not_as_original
from benchmark_runner.sandbox.policy import SYSTEM_FILES, Confinement, environment
from benchmark_runner.sandbox.probe import probe
from benchmark_runner.worker.frames import Channel

_REAP_S = 5.0
_BESIDE = 64 << 20
"""Bytes of memory in a scope beside the worker's own: bubblewrap, page cache."""


@functools.cache
def _spawner() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="hasten-spawner")


def spawn_for_good(command: list[str], **given: Any) -> subprocess.Popen[bytes]:
    """Start a process from a thread that lives as long as this process does.

    PR_SET_PDEATHSIG, which bubblewrap's --die-with-parent uses too, kills the child when the
    *thread* that started it ends: a job's thread may end before its workers are passed on.
    """
    start: Callable[..., subprocess.Popen[bytes]] = subprocess.Popen
    return _spawner().submit(start, command, **given).result()


class Process:
    """The process of a worker with its pipes and output files; `close` leaves nothing behind."""

    def __init__(self, confinement: Confinement, cwd: Path, hash_seed: int) -> None:
        self.confinement = confinement
        limits = confinement.limits
        self.reason: str | None = None
        self.closed = False
        self.lock = threading.Lock()
        self.pid = 0
        self.pidfd = -1
        self.own_pid = 0
        self.stdout: IO[bytes] = output_file()
        self.stderr: IO[bytes] = output_file()
        commands_read, commands_write = os.pipe()
        replies_read, replies_write = os.pipe()
        self.channel = Channel(replies_read, commands_write, limits.frame_bytes)
        try:
            self.popen = self._spawn(cwd, hash_seed, commands_read, replies_write)
        except BaseException:
            self.channel.close()
            self._close_files()
            raise
        finally:
            os.close(commands_read)
            os.close(replies_write)

    def _spawn(
        self, cwd: Path, hash_seed: int, commands: int, replies: int
    ) -> subprocess.Popen[bytes]:
        own = self.confinement
        layout = own.layout
        command = [str(layout.python), "-B", str(layout.harness), str(commands), str(replies)]
        inherited = [commands, replies]
        info_read = info_write = -1
        if own.sandbox.level == "L2":
            info_read, info_write = os.pipe()
            inherited.append(info_write)
            command = [
                *bwrap.arguments(
                    probe().bwrap or "bwrap",
                    readable=own.readable(),
                    files=SYSTEM_FILES,
                    scratch=own.scratch,
                    scratch_bytes=own.limits.scratch_bytes,
                    chdir=cwd,
                    info_fd=info_write,
                ),
                *command,
            ]
        values = environment(layout, own.scratch, hash_seed)
        scope = probe().scope if own.sandbox.level == "L2" else None
        if scope is not None:  # L3
            memory = own.limits.memory + own.limits.scratch_bytes + _BESIDE
            command = scope.command(memory, own.limits.processes, command)
            values |= scope.environment()
        try:
            popen = spawn_for_good(
                command,
                stdin=subprocess.DEVNULL,
                stdout=self.stdout,
                stderr=self.stderr,
                pass_fds=inherited,
                start_new_session=True,
                cwd=None if own.sandbox.level == "L2" else cwd,
                env=values,
            )
            if info_write >= 0:
                os.close(info_write)
                info_write = -1
            self.pid = self.own_pid = popen.pid
            if info_read >= 0:
                self._inside(popen, info_read)
        finally:
            for descriptor in (info_read, info_write):
                if descriptor >= 0:
                    os.close(descriptor)
        return popen

    def _inside(self, popen: subprocess.Popen[bytes], info: int) -> None:
        """The worker's pid behind bubblewrap: the child is pid 1 of its own namespace."""
        try:
            deadline = time.monotonic() + self.confinement.limits.start_s
            self.pid = bwrap.read_pid(info, deadline)
            self.pidfd = os.pidfd_open(self.pid)
        except (SandboxError, OSError) as error:
            with contextlib.suppress(OSError):
                popen.kill()
            popen.wait()
            raise SandboxError(
                f"bubblewrap did not start the worker: {self.error_text() or error}",
                code="sandbox-bwrap",
                mend="run `hasten doctor`; HASTEN_SANDBOX=L1 does without bubblewrap",
            ) from error
        self.own_pid = 1

    def error_text(self, most: int = 2000) -> str:
        """The end of what the worker wrote to standard error; hostile text."""
        with contextlib.suppress(OSError, ValueError):
            size = os.fstat(self.stderr.fileno()).st_size
            data = os.pread(self.stderr.fileno(), most, max(size - most, 0))
            return data.decode("utf-8", "replace").strip()
        return ""

    def tried(self) -> str:
        """What a candidate tried that its original does not, if it was ended for that; or empty."""
        _, found, text = self.error_text(400).rpartition("hasten-tried ")
        if found:
            kind, _, detail = text.partition(" ")
            return not_as_original(kind, detail.strip("'\""))
        with contextlib.suppress(subprocess.TimeoutExpired):
            if self.popen.wait(1.0) in (-signal.SIGSYS, 128 + signal.SIGSYS):
                return not_as_original("call", "")
        return ""

    def kill(self, reason: str = "killed") -> None:
        """End it at once, from any thread; what waits for it gets WorkerDied with the reason."""
        with self.lock:
            if self.reason is None:
                self.reason = reason
            if self.closed:
                return
            with contextlib.suppress(OSError):
                if self.pidfd >= 0:  # bubblewrap then reaps it and ends by itself
                    signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)
                else:
                    os.killpg(self.popen.pid, signal.SIGKILL)

    def close(self) -> None:
        """Kill it, wait for it, and remove its files. Does nothing the second time."""
        if self.closed:
            return
        self.kill(self.reason or "closed")
        try:
            self.popen.wait(_REAP_S)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(OSError):
                os.killpg(self.popen.pid, signal.SIGKILL)
            self.popen.wait()
        with self.lock:
            self.closed = True
            self.channel.close()
            if self.pidfd >= 0:
                os.close(self.pidfd)
        self._close_files()

    def _close_files(self) -> None:
        self.stdout.close()
        self.stderr.close()
        own = self.confinement
        if own.sandbox.level != "L2":
            remove_folder(own.scratch)
