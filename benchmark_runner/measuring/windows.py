"""What the clocks tell of timed windows: seconds of CPU, of wall time, and of neither."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, Protocol

Side = Literal["before", "after"]

_WAKING_S = 150e-6
"""Wall seconds that a window takes to reach the worker and to be heard of again, at most."""
_MORE_CORES = 1.1
"""CPU over wall above which more than one core was at work."""


class Clocked(Protocol):
    """CPU seconds of the worker and wall seconds of the parent in one window."""

    @property
    def cpu_s(self) -> float:
        """CPU seconds of the worker."""

    @property
    def wall_s(self) -> float:
        """Wall seconds of the parent."""


@dataclass(frozen=True)
class Account:
    """What the scheduler tells, counted from any moment on: only differences mean something.

    `in_line_s` are seconds ready to run while others had the CPUs, of the worker's main thread
    and of the thread that waits for its answers; `blocks` how often the worker's main thread gave
    its CPU up to wait; `threads` how many the worker has now.
    """

    in_line_s: float = 0.0
    blocks: int = 0
    threads: int = 1


@dataclass(frozen=True)
class Window:
    """One window of calls: CPU seconds of all threads, and wall seconds less those in line."""

    cpu_s: float
    wall_s: float
    blocks: int
    threads: int

    @property
    def cost_s(self) -> float:
        """Seconds that one has to wait for it: of CPU, unless it waits itself."""
        return self.wall_s if self.wall_s - self.cpu_s > _WAKING_S else self.cpu_s


@dataclass(frozen=True)
class PairOfWindows:
    """One window of each side on one input: seconds per call.

    Wall seconds are those that the machine would have taken without other work: what was spent in
    line for a CPU is taken off. `blocks` are the times that the worker stopped to wait.
    """

    index: int
    before_cpu_s: float
    after_cpu_s: float
    before_wall_s: float
    after_wall_s: float
    before_calls: int
    after_calls: int
    before_blocks: int = 0
    after_blocks: int = 0

    @property
    def log_cpu(self) -> float:
        """log(CPU time before / after)."""
        return math.log(self.before_cpu_s / self.after_cpu_s)

    @property
    def log_wall(self) -> float:
        """log(wall time before / after)."""
        return math.log(self.before_wall_s / self.after_wall_s)

    def waiting(self, side: Side) -> float:
        """Share of a side's window in which it neither computed nor stood in line, 0 to 1.

        What waking up takes is no waiting.
        """
        cpu_s, wall_s, calls = self._of(side)
        idle_s = (wall_s - cpu_s) * calls - _WAKING_S
        return max(0.0, idle_s) / (wall_s * calls)

    def cores(self, side: Side) -> float:
        """CPU seconds per wall second of a side; 1 where the clocks can't tell."""
        cpu_s, wall_s, calls = self._of(side)
        return cpu_s / wall_s if (cpu_s - wall_s) * calls > _WAKING_S else 1.0

    def _of(self, side: Side) -> tuple[float, float, int]:
        if side == "before":
            return self.before_cpu_s, self.before_wall_s, self.before_calls
        return self.after_cpu_s, self.after_wall_s, self.after_calls


@dataclass(frozen=True)
class ColdCall:
    """The first call of each side on an input that the process had not seen, in seconds."""

    index: int
    before_s: float
    after_s: float
    before_wall_s: float = 0.0
    after_wall_s: float = 0.0


@dataclass(frozen=True)
class ColdBatch:
    """One call on each of many inputs that the process had not seen, then the same once more.

    CPU seconds of a call, over all of them. Together they can be told where a single call is too
    short for the clock.
    """

    calls: int
    before_cold_s: float
    before_warm_s: float
    after_cold_s: float
    after_warm_s: float


@dataclass(frozen=True)
class PairRun:
    """All that one pair of processes told. `untimed` is CPU spent outside the windows.

    `first` is the very first call of both processes; `threads` are those that were there at the
    end and not at the start.
    """

    pairs: tuple[PairOfWindows, ...]
    cold: tuple[ColdCall, ...]
    before_untimed_s: float
    after_untimed_s: float
    before_import_s: float
    after_import_s: float
    cpu_s: float
    wall_s: float
    first: ColdCall | None = None
    batch: ColdBatch | None = None
    before_threads: int = 0
    after_threads: int = 0


def window_of(clocked: Clocked, start: Account, end: Account) -> Window:
    """What a window took, without the time in line.

    It never lasts less than the CPU time in it: threads of its own that a version stands in line
    for are its own time. Where several cores were at work, nothing is taken off.
    """
    cpu_s, wall_s = max(clocked.cpu_s, 1e-9), max(clocked.wall_s, 1e-9)
    if cpu_s <= _MORE_CORES * wall_s:
        wall_s = max(wall_s - (end.in_line_s - start.in_line_s), cpu_s)
    return Window(cpu_s, wall_s, end.blocks - start.blocks, end.threads)


def pair_of(
    index: int, before: Window, after: Window, before_calls: int, after_calls: int
) -> PairOfWindows:
    """One window of either side on an input, as seconds per call."""
    return PairOfWindows(
        index=index,
        before_cpu_s=before.cpu_s / before_calls,
        after_cpu_s=after.cpu_s / after_calls,
        before_wall_s=before.wall_s / before_calls,
        after_wall_s=after.wall_s / after_calls,
        before_calls=before_calls,
        after_calls=after_calls,
        before_blocks=before.blocks,
        after_blocks=after.blocks,
    )
