"""A proof or an evaluation as a job: all it needs in plain values, and its answer."""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Protocol

import cattrs

from analysis.errors import Cancelled, HastenError
from analysis.progress import CancelToken, Progress, silent
from benchmark_runner.environment import host_name
from benchmark_runner.errors import CandidateFailed
from benchmark_runner.receipt import Measurement, Receipt, Verdict
from benchmark_runner.verify import FunctionBench
from benchmark_runner.workload import FunctionWorkload, Origin, Version

Action = Literal["check", "evaluate", "prove"]
"""check: equivalence. evaluate: equivalence, then the time against `before` at a search's fidelity.
prove: all stages against `before`."""
JOB_LOG = "HASTEN_JOB_LOG"
"""Environment variable: a file to which each job appends when it starts and when it ends."""


@dataclass(frozen=True)
class Job:
    """One candidate to judge. `before` is the timing base (None: the original), equality is always
    against the workload's own version. `timeout_s` bounds the whole job in wall seconds.
    """

    workload: FunctionWorkload
    action: Action
    after: Version
    origin: Origin
    python: Path
    before: Version | None = None
    rounding: float | None = None
    allow_unsandboxed: bool = False
    timeout_s: float = 1800.0
    id: str = field(default_factory=lambda: secrets.token_hex(8))


@dataclass(frozen=True)
class JobError:
    """What kept a job from being done; `code`, `message` and `mend` as of HastenError."""

    code: str
    message: str
    mend: str


@dataclass(frozen=True)
class Answer:
    """What became of a job. With an error only the verdict, if there is one, is to be trusted."""

    verdict: Verdict | None = None
    measurement: Measurement | None = None
    receipt: Receipt | None = None
    error: JobError | None = None
    host: str = ""
    seconds: float = 0.0


class Executor(Protocol):
    """Runs jobs somewhere. Both sides of a comparison always run on one host."""

    @property
    def name(self) -> str:
        """What receipts call it."""

    def run(
        self, jobs: Sequence[Job], progress: Progress = silent, cancel: CancelToken | None = None
    ) -> list[Answer]:
        """The answers in the order of the jobs. What is wrong with one job is its answer.

        Raises Cancelled, and ClusterError where nothing can be run at all.
        """

    def close(self) -> None:
        """Let go of what it holds."""


class Local:
    """This machine: one job after the other, each timing under the machine's lock."""

    @property
    def name(self) -> str:
        """What receipts call it."""
        return "local"

    def run(
        self, jobs: Sequence[Job], progress: Progress = silent, cancel: CancelToken | None = None
    ) -> list[Answer]:
        """See Executor."""
        return [perform(job, progress, cancel or CancelToken()) for job in jobs]

    def close(self) -> None:
        """Nothing is held."""


def perform(job: Job, progress: Progress, cancel: CancelToken, executor: str = "local") -> Answer:
    """Do a job in this process. Raises Cancelled; any other failure is the answer."""
    started = time.perf_counter()
    _log(job, "start")
    try:
        answer = _perform(job, progress, cancel, executor)
    except HastenError as error:
        answer = Answer(error=JobError(error.code, error.message, error.mend))
    except Cancelled:
        raise
    except Exception as error:  # one job's bug costs the job
        text = f"{type(error).__name__}: {error}"
        answer = Answer(error=JobError("internal", text, "please report this"))
    finally:
        _log(job, "end")
    return replace(answer, host=host_name(), seconds=time.perf_counter() - started)


def _perform(job: Job, progress: Progress, cancel: CancelToken, executor: str) -> Answer:
    with FunctionBench(
        job.workload,
        python=job.python,
        allow_unsandboxed=job.allow_unsandboxed,
        rounding=job.rounding,
        progress=progress,
        cancel=cancel,
    ) as bench:
        before = job.workload.before if job.before is None else job.before
        if before != job.workload.before and bench.check(before, job.origin).equality is None:
            raise HastenError(
                "the version to compare with is not equal to the original",
                code="base-differs",
                mend="compare with a version that was proved",
            )
        if job.action == "prove":
            receipt = bench.prove(job.after, origin=job.origin, before=before)
            environment = replace(receipt.environment, host=host_name(), executor=executor)
            return Answer(receipt=replace(receipt, environment=environment))
        verdict = bench.check(job.after, job.origin)
        if job.action == "check" or verdict.equality is None:
            return Answer(verdict=verdict)
        try:
            return Answer(verdict=verdict, measurement=bench.measure(before, job.after))
        except CandidateFailed as error:
            return Answer(verdict=verdict, error=JobError(error.code, error.message, error.mend))


def _log(job: Job, event: str) -> None:
    """One line for each start and end, for who wants to know what ran when on this host."""
    path = os.environ.get(JOB_LOG)
    if path:
        line = {"event": event, "job": job.id, "at": time.time(), "pid": os.getpid()}
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


_converter = cattrs.Converter(forbid_extra_keys=True)


def answer_to_json(answer: Answer) -> dict[str, Any]:
    """The answer as plain JSON values."""
    data: dict[str, Any] = _converter.unstructure(answer)
    return data


def answer_from_json(data: object) -> Answer:
    """An answer from plain JSON values. Raises ValueError for any other shape."""
    try:
        return _converter.structure(data, Answer)
    except Exception as error:
        raise ValueError(f"not an answer: {error}") from error
