"""Receipts: all that is needed to believe a claim or to repeat it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import cattrs

from benchmark_runner.workload import InputSource

SCHEMA = 1

Decision = Literal["faster", "not faster", "slower", "different", "refused", "inconclusive"]
Equality = Literal["exact", "rounding"]
Level = Literal["L0", "L1", "L2", "L3"]


@dataclass(frozen=True)
class Counterexample:
    """One input on which the two versions differ, and what each of them did.

    `call` is Python source as far as the arguments allow ("f([1, 2], key=None)"), shortened.
    """

    input: int
    call: str
    before: str
    after: str
    what: str
    """Which observation differs: "result", "arguments", "exception", "output", "globals", ..."""


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


@dataclass(frozen=True)
class InputTiming:
    """One timed input: its log-ratio and the CPU seconds of a call in either version."""

    input: int
    log_ratio: float
    before_s: float
    after_s: float


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
    clock: str = "cpu"


@dataclass(frozen=True)
class InputsUsed:
    """Where the inputs came from, how many, and whether some were held out from the selection."""

    source: InputSource
    count: int
    timed: int
    holdout: bool
    digest: str


@dataclass(frozen=True)
class SandboxReport:
    """The level that was reached, and what the machine lacks for the next one."""

    level: Level
    unsandboxed_allowed: bool
    missing: tuple[str, ...]


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
    if data.get("schema") != SCHEMA:
        raise ValueError(f"receipt schema {data.get('schema')!r}, this version reads {SCHEMA}")
    try:
        return _converter.structure(data, Receipt)
    except Exception as error:
        raise ValueError(f"not a receipt: {error}") from error
