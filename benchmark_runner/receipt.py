"""Receipts: all that is needed to believe a claim or to repeat it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import cattrs

from benchmark_runner.workload import InputSource, Kind

SCHEMA = 2
_READ = (1, SCHEMA)
"""Schemas that can be read: 1 had fewer fields."""

Decision = Literal["faster", "not faster", "slower", "different", "refused", "inconclusive"]
Equality = Literal["exact", "rounding"]
Level = Literal["L0", "L1", "L2", "L3"]
Clock = Literal["cpu", "wall", "metric"]


@dataclass(frozen=True)
class Counterexample:
    """One input on which the two versions differ, and what each of them did.

    `call` is Python source as far as the arguments allow ("f([1, 2], key=None)"), shortened; in a
    receipt of `verify` it is the smallest one found from input `input`.
    """

    input: int
    call: str
    before: str
    after: str
    what: str
    """Which observation differs: "result", "arguments", "exception", "output", "globals", ..."""
    snippet: str | None = None
    """Python (or a shell line) to paste that shows the difference on the smallest input found."""
    stage: str = ""
    """Which stage caught it: "captured", "generated", "mutated", "sequence", "relations" ..."""


@dataclass(frozen=True)
class Verdict:
    """The outcome of differential equivalence on all inputs and hash seeds.

    `equality` is None when the versions differ or the candidate was refused; `max_relative` is the
    largest relative difference of two floats and `max_ulp` the largest distance in units in the
    last place, both 0 for exact equality.
    """

    equality: Equality | None
    counterexample: Counterexample | None = None
    refused: str | None = None
    max_relative: float = 0.0
    max_ulp: int = 0
    inputs: int = 0
    hash_seeds: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()
    """What is told but is no difference: other memory layout, other context of an exception."""
    tried: bool = True
    """False where it was not allowed to run here: that says nothing of the candidate."""


@dataclass(frozen=True)
class InputTiming:
    """One timed input: its log-ratio and the CPU seconds of a call in either version."""

    input: int
    log_ratio: float
    before_s: float
    after_s: float
    name: str = ""
    """What the project calls it: the name of a benchmark."""


@dataclass(frozen=True)
class Replicate:
    """One pair of fresh processes: log(time before / time after), and the pairs behind it."""

    log_ratio: float
    pairs: int
    cpu_s: float
    wall_s: float


@dataclass(frozen=True)
class Measurement:
    """Protocol v2: sequential moderated t on replicates of process pairs, then confirmation.

    `ratio` is time before / time after (above 1 is faster): exp of the mean of the replicates'
    trimmed means of paired log CPU-time ratios, every input weighing the same. `interval` is 95 %.
    `cold_ratio` is the same for calls whose input the process had not seen. `confirmed` is None
    when the first phase already refused.
    """

    ratio: float
    interval: tuple[float, float]
    accepted: bool
    confirmed: bool | None
    reason: str
    replicates: tuple[Replicate, ...]
    confirmation: tuple[Replicate, ...]
    inputs: tuple[InputTiming, ...]
    cold_ratio: float | None
    wall_ratio: float | None
    before_s: float
    after_s: float
    clock: Clock = "cpu"
    unit: str = "s"
    """Of `before_s`, `after_s` and the timings: seconds, or the unit of a command's own metric."""
    cpu_ratio: float | None = None
    """The ratio by CPU time, where `clock` is wall; `wall_ratio` is the one by wall time."""
    first_s: tuple[float, float] | None = None
    """Seconds of the very first call in a fresh process, before and after: what a program that
    calls the function once would see."""


@dataclass(frozen=True)
class Memory:
    """Memory of a call in either version, paired as time is; ratios above 1 mean less memory.

    Bytes: `peak` is the largest that was held at once, `allocated` all that was asked for, line by
    line, on the same input (None where that was not followed). `peak_ratio` is the mean over the
    inputs of log(before / after), `interval` its 95 %. `resident` is what the whole process grew
    by, seen by the kernel.
    """

    before_peak: int
    after_peak: int
    peak_ratio: float
    interval: tuple[float, float]
    before_allocated: int | None
    after_allocated: int | None
    tool: str
    before_resident: int | None = None
    after_resident: int | None = None
    inputs: int = 0
    note: str = ""
    """What is to be said of it: much more memory than the original's, or less."""


@dataclass(frozen=True)
class Growth:
    """Time by input size: the slope of log time over log size, for each version.

    `sizes` are the sizes that were run (n, 2n, 4n ...), in the unit of `what` ("elements of the
    first argument"); seconds are per call, in the same order. The statement holds within this
    range only.
    """

    what: str
    sizes: tuple[int, ...]
    before_s: tuple[float, ...]
    after_s: tuple[float, ...]
    before_slope: float
    after_slope: float
    note: str


@dataclass(frozen=True)
class Instructions:
    """Instructions of one call in either version, by difference of two counts of calls."""

    tool: str
    before: float
    after: float
    ratio: float
    agrees: bool
    """Whether the count points the same way as the time."""


@dataclass(frozen=True)
class Build:
    """How a C or C++ version was built: for timing by the user's flags, for equality with
    sanitizers."""

    compiler: str
    version: str
    timed: tuple[str, ...]
    checked: tuple[str, ...]
    sanitizers: tuple[str, ...]


@dataclass(frozen=True)
class Dependency:
    """Something a claim rests on. `kind`: function, callee, constant, extension, data,
    library, interpreter, compiler, case or tree; `digest` is a fingerprint or a version."""

    kind: str
    path: str
    name: str
    digest: str


@dataclass(frozen=True)
class Repeat:
    """What it takes to run a proof again: texts of both versions, inputs and options.

    Only in receipts that are written to a file. `workload` is the workload as plain values (see
    repeat.py); `inputs` are canonical bytes or captured pickles in base64, which only a sandboxed
    worker reads.
    """

    workload: dict[str, Any]
    before: tuple[tuple[str, str], ...]
    after: tuple[tuple[str, str], ...]
    origin: str
    inputs: tuple[str, ...]
    options: dict[str, Any]


@dataclass(frozen=True)
class InputsUsed:
    """Where the inputs came from, how many, and whether some were held out from the selection.

    `sources` counts them where they came from several places ("captured", "mutated",
    "stressing", "branches" ...).
    """

    source: InputSource
    count: int
    timed: int
    holdout: bool
    digest: str
    sources: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class SandboxReport:
    """The level that was reached, and what the machine lacks for the next one."""

    level: Level
    unsandboxed_allowed: bool
    missing: tuple[str, ...]
    needs: tuple[str, ...] = ()
    """What the original itself touches (files, sockets, processes): the policy of candidates."""


@dataclass(frozen=True)
class Environment:
    """The interpreter and the machine that the claim is about."""

    python: str
    python_version: str
    implementation: str
    platform: str
    kernel: str
    cpu: str
    cores: int
    load: float
    hasten: str
    host: str = ""
    """A name for the machine that says nothing of it: equal for equal machine ids."""
    executor: str = "local"


@dataclass(frozen=True)
class Stage:
    """One stage of the pipeline: how long it took, and why it refused if it did."""

    name: str
    seconds: float
    ok: bool
    reason: str | None = None


@dataclass(frozen=True)
class Receipt:
    """The proof of one version against another."""

    schema: int
    created: str
    path: str
    function: str
    called: str
    before_sha256: str
    after_sha256: str
    decision: Decision
    reason: str
    equality: Equality | None
    ratio: float | None
    interval: tuple[float, float] | None
    slower_on: tuple[int, ...]
    verdict: Verdict | None
    measurement: Measurement | None
    inputs: InputsUsed
    sandbox: SandboxReport
    environment: Environment
    stages: tuple[Stage, ...]
    notes: tuple[str, ...]
    seconds: float
    kind: Kind = "function"
    memory: Memory | None = None
    growth: Growth | None = None
    instructions: Instructions | None = None
    build: Build | None = None
    relations: tuple[str, ...] = ()
    """Properties that were learned from the original and hold for the candidate."""
    dependencies: tuple[Dependency, ...] = ()
    repeat: Repeat | None = None

    @property
    def counterexample(self) -> Counterexample | None:
        """The input on which the versions differ, if that is why it was refused."""
        return self.verdict.counterexample if self.verdict else None


_converter = cattrs.Converter(forbid_extra_keys=True)


def to_json(receipt: Receipt) -> dict[str, Any]:
    """The receipt as plain JSON values."""
    data: dict[str, Any] = _converter.unstructure(receipt)
    return data


def from_json(data: dict[str, Any]) -> Receipt:
    """A receipt from plain JSON values. Raises ValueError for another schema or a wrong shape."""
    if data.get("schema") not in _READ:
        raise ValueError(f"receipt schema {data.get('schema')!r}, this version reads {_READ}")
    try:
        return _converter.structure(data, Receipt)
    except Exception as error:
        raise ValueError(f"not a receipt: {error}") from error
