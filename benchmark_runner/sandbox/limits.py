"""What a worker may use before it is stopped."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Bounds of one worker. Seconds are wall seconds, sizes are bytes.

    The parent enforces times and resident memory; the rest are the kernel's resource limits and
    stand behind them. `memory` is resident memory, watched every few milliseconds; address space
    is only bounded far above it, since libraries reserve much more than they touch.
    """

    start_s: float = 10.0
    load_s: float = 30.0
    inputs_s: float = 30.0
    call_s: float = 10.0
    batch_s: float = 30.0
    total_cpu_s: int = 900
    memory: int = 2 << 30
    file_bytes: int = 64 << 20
    scratch_bytes: int = 256 << 20
    frame_bytes: int = 40 << 20
    open_files: int = 256
    processes: int = 512

    def rlimits(self) -> list[tuple[str, int]]:
        """Names of `resource.RLIMIT_*` and values, for the harness to set on itself.

        None on CPU seconds: a process that has one is accounted by the kernel's timer ticks, and
        its CPU clock, by which calls are timed, then lags by up to some milliseconds.
        """
        return [
            ("CORE", 0),
            ("FSIZE", self.file_bytes),
            ("NOFILE", self.open_files),
            ("AS", self.memory + (8 << 30)),
            ("NPROC", self.processes),
            ("MEMLOCK", 0),
            ("MSGQUEUE", 0),
        ]

    def for_program(self) -> list[tuple[str, int]]:
        """The same for a whole program, which may start processes and use many files.

        With `total_cpu_s` 0 there is none on CPU seconds: see `rlimits`; a program that reads its
        own CPU clock, as benchmarks do, would read the timer's ticks.
        """
        return [
            ("CORE", 0),
            *([("CPU", self.total_cpu_s)] if self.total_cpu_s else []),
            ("FSIZE", max(self.file_bytes, self.scratch_bytes)),
            ("NOFILE", 4096),
        ]


@dataclass(frozen=True)
class TreeLimits:
    """Bounds of a program with all the processes it starts, as a build or a test suite has them.

    `memory` is resident bytes of all of them (what they share counts for each), `disk` bytes below
    its writable folders that it adds; both are watched by the parent every few milliseconds.
    """

    memory: int = 8 << 30
    processes: int = 512
    disk: int = 4 << 30
    output_bytes: int = 64 << 20


@dataclass(frozen=True)
class BinaryLimits:
    """Bounds of one run of a compiled program. Sizes are bytes, `wall_s` wall seconds.

    `output_bytes` holds for standard output, standard error and each file it writes. `memory` is
    resident memory: a sanitizer reserves terabytes of addresses, so these are not bounded.
    """

    wall_s: float = 10.0
    memory: int = 2 << 30
    output_bytes: int = 64 << 20
    scratch_bytes: int = 256 << 20
    threads: int = 64
    open_files: int = 256

    def rlimits(self) -> list[tuple[str, int]]:
        """As `Limits.rlimits`: none on CPU seconds, which would make the CPU clock coarse."""
        return [
            ("CORE", 0),
            ("FSIZE", self.output_bytes),
            ("NOFILE", self.open_files),
            ("MEMLOCK", 0),
            ("MSGQUEUE", 0),
        ]
