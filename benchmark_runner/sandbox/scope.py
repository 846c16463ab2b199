"""Level L3: each worker in a systemd scope of its own, where the kernel bounds memory and tasks.

The watchdog polls; a control group does not let a process pass its limit at all, and counts all
its processes together. Found out by really starting one, as everything here.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_SECONDS = 10.0
_BUS = ("XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS")
_RUNNING = Path("/run/systemd/system")


@dataclass(frozen=True)
class Scope:
    """How to start a scope: systemd-run, and whose manager it asks (root has no other)."""

    program: str
    user: bool

    def command(self, memory: int, tasks: int, command: Sequence[str]) -> list[str]:
        """The command line that runs `command` in a scope, as the same process.

        `memory` in bytes, without swap; `tasks` are processes and threads. What systemd-run needs
        to reach the user's bus is taken from the environment again before the command starts.
        """
        line = [self.program, *(["--user"] if self.user else []), "--scope", "--quiet", "--collect"]
        line += ["-p", f"MemoryMax={memory}", "-p", "MemorySwapMax=0", "-p", f"TasksMax={tasks}"]
        return [*line, "--", "/usr/bin/env", *(f"--unset={name}" for name in _BUS), *command]

    def environment(self) -> dict[str, str]:
        """What systemd-run itself needs of our environment."""
        return {name: os.environ[name] for name in _BUS if self.user and name in os.environ}


def find_scope() -> tuple[Scope | None, str]:
    """A scope that works here, or None and why not in systemd's own words."""
    program = shutil.which("systemd-run")
    if program is None:
        return None, "systemd-run is not there"
    scope = Scope(program, user=os.getuid() != 0)
    try:
        done = subprocess.run(
            scope.command(64 << 20, 16, ["/bin/cat", "/proc/self/cgroup"]),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
            env={"PATH": "/usr/bin:/bin", **scope.environment()},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return None, str(error)
    if done.returncode == 0 and b".scope" in done.stdout:
        return scope, ""
    why = done.stderr.decode("utf-8", "replace").strip()[:200]
    if not _RUNNING.exists():
        return None, f"systemd is not the first process here{_last(why)}"
    return None, why or "its scope is no control group of its own"


def _last(text: str) -> str:
    """The last thing that was said, as the end of a sentence."""
    said = text.rpartition("\n")[2]
    return f": {said}" if said else ""
