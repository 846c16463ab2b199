"""Kills workers that use more memory or disk than they may.

Resident memory is polled: it needs no privilege, and works for programs that reserve much address
space (measured: a 500 MB limit was enforced at 510 MB with a poll every 10 ms).
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmark_runner.sandbox.limits import TreeLimits

_POLL_S = 0.01
_DISK_EVERY = 20
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Watched:
    """One process, its limits in bytes, and how to end it: `kill(reason)`."""

    pid: int
    memory: int
    scratch: Path | None
    scratch_bytes: int
    kill: Callable[[str], None]


def resident(pid: int) -> int:
    """Resident bytes of a process; 0 when it is gone."""
    try:
        with open(f"/proc/{pid}/statm", "rb") as file:  # noqa: PTH123
            return int(file.read().split()[1]) * _PAGE
    except (OSError, ValueError, IndexError):
        return 0


def folder_bytes(folder: Path, most: int = 20_000) -> int:
    """Bytes that the files below a folder take up, of at most `most` entries."""
    total, stack = 0, [os.fspath(folder)]
    while stack and most > 0:
        with contextlib.suppress(OSError), os.scandir(stack.pop()) as entries:
            for entry in entries:
                most -= 1
                with contextlib.suppress(OSError):
                    if entry.is_dir(follow_symlinks=False):
                        stack.append(entry.path)
                    else:
                        total += entry.stat(follow_symlinks=False).st_blocks * 512 + 1024
    return total


def _too_much_disk(one: Watched) -> bool:
    return one.scratch is not None and folder_bytes(one.scratch) > one.scratch_bytes


def descendants(pid: int, most: int = 10_000) -> list[int]:
    """A process and all that descend from it, as far as they have not been adopted by another."""
    found, at = [pid], 0
    while at < len(found) < most:
        one = found[at]
        at += 1
        with contextlib.suppress(OSError):
            for task in os.listdir(f"/proc/{one}/task"):  # noqa: PTH208
                with open(f"/proc/{one}/task/{task}/children", "rb") as file:  # noqa: PTH123
                    found += [int(word) for word in file.read().split()]
    return found


class Tree:
    """The processes below one, with their limits; `folders` are those that they write in."""

    def __init__(self, pid: int, limits: TreeLimits, folders: Sequence[Path]) -> None:
        self._pid = pid
        self._limits = limits
        self._folders = tuple(folders)
        self._before = self._disk()
        self._turn = 0

    def _disk(self) -> int:
        return sum(folder_bytes(folder, 200_000) for folder in self._folders)

    def broken(self) -> str:
        """Which limit they have passed; empty for none."""
        self._turn += 1
        alive = descendants(self._pid)
        if len(alive) > self._limits.processes:
            return "processes"
        if sum(resident(pid) for pid in alive) > self._limits.memory:
            return "memory"
        if self._turn % _DISK_EVERY == 0 and self._disk() - self._before > self._limits.disk:
            return "disk"
        return ""


class Watchdog:
    """One thread for all workers of this process; it exists while there are some."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._watched: dict[int, Watched] = {}
        self._thread: threading.Thread | None = None
        self._wake = threading.Event()

    def add(self, watched: Watched) -> None:
        """Watch from now on."""
        with self._lock:
            self._watched[watched.pid] = watched
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="hasten-watchdog", daemon=True
                )
                self._thread.start()

    def remove(self, pid: int) -> None:
        """Stop watching."""
        with self._lock:
            self._watched.pop(pid, None)

    def _run(self) -> None:
        turn = 0
        while True:
            self._wake.wait(_POLL_S)
            turn += 1
            with self._lock:
                if not self._watched:
                    self._thread = None
                    return
                watched = list(self._watched.values())
            for one in watched:
                if resident(one.pid) > one.memory:
                    one.kill("memory")
                elif turn % _DISK_EVERY == 0 and _too_much_disk(one):
                    one.kill("disk")


WATCHDOG = Watchdog()
