"""Runs the real command line in a process of its own, with folders of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HASTEN = str(Path(sys.executable).with_name("hasten"))


@dataclass(frozen=True)
class Done:
    """A finished command; `value` is the one JSON value on stdout, if it is one."""

    code: int
    out: str
    err: str

    @property
    def value(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Running:
    """A command that has not ended, with its output in files."""

    process: subprocess.Popen[bytes]
    out: Path
    err: Path

    def said(self, text: str, seconds: float = 60) -> None:
        """Wait until `text` is on stderr."""
        wait_until(lambda: text in self.err.read_text(), f"{text!r} on stderr", seconds)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the command alone."""
        self.process.send_signal(number)

    def wait(self, seconds: float = 60) -> Done:
        """The end of the command."""
        code = self.process.wait(seconds)
        return Done(code, self.out.read_text(), self.err.read_text())


def wait_until(true: Callable[[], object], what: str, seconds: float = 30) -> None:
    """Wait for a condition of other processes; fails when it never comes."""
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, f"never came: {what}"
        time.sleep(0.02)


def below(pid: int) -> dict[int, str]:
    """All processes below one, with their command lines."""
    parents: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            stat = (folder / "stat").read_text().rsplit(")", 1)[1].split()
            parents.setdefault(int(stat[1]), []).append(int(folder.name))
    found: dict[int, str] = {}
    waiting = [pid]
    while waiting:
        for child in parents.get(waiting.pop(), ()):
            found[child] = command_of(child)
            waiting.append(child)
    return found


def command_of(pid: int) -> str:
    """A process's command line; "" for one that is gone or only waits to be reaped."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def engine_of(processes: Mapping[int, str]) -> int:
    """The engine among the processes below a command."""
    [pid] = [pid for pid, command in processes.items() if " engine --workspace" in command]
    return pid


def still_there(processes: Mapping[int, str]) -> dict[int, str]:
    """Those of some processes that have not ended."""
    return {p: c for p, c in processes.items() if c and command_of(p) == c}


@dataclass(frozen=True)
class Cli:
    """The command line with scratch data and state folders."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        keep = {k: v for k, v in os.environ.items() if not k.startswith(("HASTEN_", "VIRTUAL_ENV"))}
        return {
            **keep,
            "XDG_DATA_HOME": str(self.folder / "data"),
            "XDG_STATE_HOME": str(self.folder / "state"),
            "HASTEN_ENGINE_IDLE_S": "2",
        }

    def start(self, *arguments: str | Path, cwd: Path | None = None, **env: str) -> Running:
        """Start a command and go on."""
        n = len(list(self.folder.glob("*.stderr")))
        out, err = self.folder / f"{n}.stdout", self.folder / f"{n}.stderr"
        with out.open("wb") as stdout, err.open("wb") as stderr:
            process = subprocess.Popen(
                [HASTEN, *map(str, arguments)],
                cwd=cwd or self.folder,
                env={**self.environment, **env},
                stdout=stdout,
                stderr=stderr,
                stdin=subprocess.DEVNULL,
            )
        return Running(process, out, err)

    def __call__(
        self, *arguments: str | Path, cwd: Path | None = None, timeout: float = 170, **env: str
    ) -> Done:
        done = subprocess.run(
            [HASTEN, *map(str, arguments)],
            cwd=cwd or self.folder,
            env={**self.environment, **env},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        return Done(done.returncode, done.stdout, done.stderr)
