"""What a proof gathers on its way, and the receipt that is made of it."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field
from datetime import datetime, timezone

from analysis.progress import Progress
from benchmark_runner.measuring.decision import Judgement
from benchmark_runner.measuring.measurement import summarise
from benchmark_runner.measuring.probes import slower_on
from benchmark_runner.measuring.samples import Samples
from benchmark_runner.measuring.statistics import Step
from benchmark_runner.receipt import (
    SCHEMA,
    Dependency,
    Environment,
    Growth,
    InputsUsed,
    Memory,
    Receipt,
    SandboxReport,
    Stage,
    Verdict,
)
from benchmark_runner.workload import FunctionWorkload, Version


def within(progress: Progress, low: float, high: float) -> Progress:
    """The progress of one stage as a part of the whole: its shares lie between low and high."""

    def scaled(message: str, share: float | None = None) -> None:
        progress(message, None if share is None else low + (high - low) * share)

    return scaled


@dataclass(frozen=True)
class Timed:
    """Both timing phases; `confirmed` is None unless the first one accepted. What was looked at
    afterwards, where the candidate got that far.
    """

    samples: Samples
    step: Step
    confirmed: Samples | None
    memory: Memory | None = None
    growth: Growth | None = None


@dataclass
class Diary:
    """Stages of one proof, as they end."""

    stages: list[Stage] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    started: float = field(default_factory=time.perf_counter)

    def add(self, name: str, since: float, reason: str | None = None) -> None:
        """One stage that began at `since` has ended; a reason means that it refused."""
        seconds = time.perf_counter() - since
        self.stages.append(Stage(name, seconds, ok=reason is None, reason=reason))


@dataclass(frozen=True)
class Case:
    """What was to be proved, where, on what."""

    workload: FunctionWorkload
    before: Version
    after: Version
    environment: Environment
    inputs: InputsUsed
    sandbox: SandboxReport
    dependencies: tuple[Dependency, ...] = ()


def make_receipt(
    case: Case, verdict: Verdict, judgement: Judgement, timed: Timed | None, diary: Diary
) -> Receipt:
    """The receipt of a finished proof; ratio and interval are None when nothing was timed."""
    measurement = None
    if timed is not None:
        measurement = summarise(timed.samples, timed.step, timed.confirmed, reason=judgement.reason)
    return Receipt(
        schema=SCHEMA,
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        path=str(case.workload.path),
        function=case.workload.function,
        called=case.workload.called,
        before_sha256=_sha256(case.before),
        after_sha256=_sha256(case.after),
        decision=judgement.decision,
        reason=judgement.reason,
        equality=verdict.equality,
        ratio=measurement.ratio if measurement else None,
        interval=measurement.interval if measurement else None,
        slower_on=slower_on(timed.samples) if timed else (),
        verdict=verdict,
        measurement=measurement,
        inputs=case.inputs,
        sandbox=case.sandbox,
        environment=case.environment,
        stages=tuple(diary.stages),
        notes=tuple(diary.notes),
        seconds=time.perf_counter() - diary.started,
        memory=timed.memory if timed else None,
        growth=timed.growth if timed else None,
        dependencies=case.dependencies,
    )


def _sha256(version: Version) -> str:
    """One digest over a version's files and texts."""
    data = hashlib.sha256((version.commit or "").encode())
    for path, text in version.files:
        for piece in (path, text):
            encoded = piece.encode("utf-8", "surrogatepass")
            data.update(len(encoded).to_bytes(8, "little") + encoded)
    return data.hexdigest()
