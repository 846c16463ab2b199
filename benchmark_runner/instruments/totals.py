"""How many instructions a program executes from its start to its end, in the sandbox.

Blind spots, whichever tool counts: cache misses, wrong branches and memory bandwidth cost time and
no instructions; one vector instruction does the work of many and counts as one; the kernel's work
(page faults of a large allocation, input and output) is not counted. So a count decides nothing
alone: it supports or questions what the clock says.
"""

from __future__ import annotations

import functools
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from analysis.errors import HastenError
from analysis.progress import CancelToken
from benchmark_runner.instruments import counters
from benchmark_runner.sandbox.policy import Sandbox
from benchmark_runner.sandbox.program import ProgramRun, run_program

_COLLECTED = re.compile(r"^==\d+== Collected : (\d+)\s*$", re.MULTILINE)


class CountFailed(HastenError):
    """The instructions of a program could not be counted."""

    def __init__(self, message: str, *, code: str = "count-failed") -> None:
        super().__init__(
            message, code=code, mend="install valgrind, or leave instruction counts out"
        )


@dataclass(frozen=True)
class Instrument:
    """What counts here. `slowdown` is how many times longer the program takes under it."""

    name: str
    slowdown: float
    path: str | None = None


@functools.cache
def instrument() -> Instrument | None:
    """The best tool of this machine, looked for once; None where there is none."""
    if counters.probe() is None:
        return Instrument(counters.INSTRUCTIONS.name, 1.0)
    valgrind = shutil.which("valgrind", path="/usr/local/bin:/usr/bin:/bin")
    return None if valgrind is None else Instrument("callgrind", 50.0, valgrind)


@dataclass(frozen=True)
class Program:
    """A command and what it may touch (see `run_program`).

    `stdin`, `frames` and `replies` are files for its descriptors 0, 3 and 4. `python` is the
    interpreter whose folders it may read.
    """

    command: Sequence[str]
    cwd: Path
    python: Path
    readable: Sequence[Path] = ()
    writable: Sequence[Path] = ()
    stdin: Path | None = None
    frames: Path | None = None
    environment: Mapping[str, str] | None = None
    timeout_s: float = 120.0


def total_instructions(
    program: Program, tool: Instrument, cancel: CancelToken | None = None
) -> int:
    """Instructions of one run. Raises CountFailed (it failed, or no count came), Cancelled."""
    command = [*_callgrind(tool), *program.command]
    files = {0: program.stdin, 3: program.frames}
    opened = "".join(f' {number}<"${{F{number}}}"' for number, path in files.items() if path)
    if opened:
        outlet = " 4>/dev/null" if program.frames else ""
        command = ["/bin/sh", "-c", f'exec "$@"{opened}{outlet}', "sh", *command]
    names = {f"F{number}": str(path) for number, path in files.items() if path}
    shown = [path for path in files.values() if path]

    def run() -> ProgramRun:
        sandbox = Sandbox.reached()
        # Landlock names /proc/self of the process that it confines; valgrind reads its own.
        proc = [Path("/proc")] if sandbox.level not in ("L0", "L2") and tool.path else []
        return run_program(
            command,
            cwd=program.cwd,
            python=program.python,
            readable=[*program.readable, *shown, *proc],
            writable=program.writable,
            extra_environment={**(program.environment or {}), **names},
            timeout_s=program.timeout_s,
            sandbox=sandbox,
            cancel=cancel,
        )

    if tool.path is None:
        with counters.counting() as count:
            done = run()
            total = count.read()
    else:
        done = run()
        found = _COLLECTED.findall(done.stderr)
        total = int(found[-1]) if found else 0
    if done.timed_out:
        raise CountFailed(f"{tool.name}: not done within {program.timeout_s:.0f} s")
    if done.exit_code != 0 or total <= 0:
        tail = done.stderr.strip().rpartition("\n")[2][:200]
        raise CountFailed(f"{tool.name}: exit code {done.exit_code}, no count: {tail}")
    return total


def _callgrind(tool: Instrument) -> list[str]:
    if tool.path is None:
        return []
    return [tool.path, "--tool=callgrind", "--callgrind-out-file=/dev/null", "--vgdb=no"]


def count_binary(
    argv: Sequence[str],
    *,
    cwd: Path,
    python: Path,
    stdin: Path | None = None,
    readable: Sequence[Path] = (),
    writable: Sequence[Path] = (),
    timeout_s: float = 120.0,
    cancel: CancelToken | None = None,
) -> tuple[str, int]:
    """The tool's name and the instructions of one run of a program, its start included.

    `argv[0]` must lie in the system's folders or in `readable`. Raises CountFailed (also where
    this machine has no tool: code "count-none") and Cancelled.
    """
    tool = instrument()
    if tool is None:
        raise CountFailed("no counters and no valgrind on this machine", code="count-none")
    program = Program(
        argv, cwd, python, readable=readable, writable=writable, stdin=stdin, timeout_s=timeout_s
    )
    return tool.name, total_instructions(program, tool, cancel)
