"""Runs programs on cases, each run a fresh process in the sandbox of compiled programs."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from analysis.progress import CancelToken
from benchmark_runner.native.cases import Case
from benchmark_runner.sandbox.binary import BinaryRun, BinaryRunner
from benchmark_runner.sandbox.layout import layout_of
from benchmark_runner.sandbox.limits import BinaryLimits
from benchmark_runner.sandbox.policy import Sandbox

OUTPUT_BYTES = 16 << 20
"""What a program may print; more ends it."""
MEMORY = 2 << 30
_WAKING_S = 1e-3
"""Wall seconds that the sandbox may take to notice the end of a run."""
_ENDS = {
    "timeout": "it did not end in time",
    "memory": f"it took more than {MEMORY >> 20} MB of memory",
    "disk": "it wrote too much to files",
    "threads": "it started too many threads",
    "output": f"it printed more than {OUTPUT_BYTES >> 20} MB",
    "blocked": "it tried what the sandbox forbids (a process, the network, another program)",
}


@dataclass(frozen=True)
class Program:
    """Something to run. `argv[0]` is an absolute path; `readable` is what else it must read."""

    argv: tuple[str, ...]
    readable: tuple[Path, ...] = ()
    sanitized: bool = False
    environment: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Run:
    """One run: what it printed and how it ended. `out` and `err` are hostile.

    CPU and wall seconds of the program alone, the latter without its time in line for a CPU and
    never less than the former: several cores at work are no gain here. `peak` is
    resident bytes, told only above `floor`.
    """

    code: int
    reason: str
    cpu_s: float
    wall_s: float
    peak: int
    floor: int
    out: bytes
    err: bytes

    @property
    def how(self) -> str:
        """How it ended, in words."""
        if self.reason in _ENDS:
            return _ENDS[self.reason]
        if self.code < 0:
            return f"it was ended by {_signal_name(-self.code)}"
        return f"it ended with exit code {self.code}"

    @property
    def fine(self) -> bool:
        """Whether it ended by itself: no signal, no limit."""
        return not self.reason


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


class Runner:
    """Runs these programs, and no others. A context manager; not for several threads."""

    def __init__(
        self, programs: Sequence[Program], sandbox: Sandbox, cancel: CancelToken | None = None
    ) -> None:
        """Start the sandbox. Raises SandboxError."""
        shown = [Path(program.argv[0]) for program in programs]
        shown += [path for program in programs for path in program.readable]
        self._cancel = cancel or CancelToken()
        self._runner = BinaryRunner(
            list(dict.fromkeys(shown)),
            limits=BinaryLimits(memory=MEMORY, output_bytes=OUTPUT_BYTES),
            sandbox=sandbox,
        )

    def __enter__(self) -> Runner:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._runner.close()

    def run(self, program: Program, case: Case, seconds: float = 10.0) -> Run:
        """Run a program on a case, for at most so many wall seconds. Raises Cancelled."""
        self._cancel.check()
        done: BinaryRun = self._runner.run(
            program.argv,
            stdin=case.input,
            sanitizers=program.sanitized,
            wall_s=seconds,
            environment=dict(program.environment),
            cancel=self._cancel,
        )
        return Run(
            code=done.exit_code,
            reason=done.reason,
            cpu_s=done.cpu_s,
            wall_s=max(done.wall_s - done.in_line_s - _WAKING_S, done.cpu_s),
            peak=done.peak_rss,
            floor=done.rss_floor,
            out=done.stdout,
            err=done.stderr,
        )


def interpreted(python: Path, script: Path, hash_seed: int) -> Program:
    """A Python program: the user's interpreter and a script. Raises InterpreterError."""
    layout = layout_of(python)
    argv = (str(layout.python), "-B", "-s", str(script))
    seed = (("PYTHONHASHSEED", str(hash_seed)),)
    return Program(argv, (script, *layout.readable), environment=seed)
