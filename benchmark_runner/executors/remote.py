"""A bench whose candidates are judged by an executor; the original stays here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

from analysis.errors import HastenError
from analysis.progress import CancelToken, Progress, silent
from benchmark_runner.bench import Bench, Sampler
from benchmark_runner.errors import CandidateFailed
from benchmark_runner.executors.job import Action, Answer, Executor, Job
from benchmark_runner.receipt import InputsUsed, Measurement, Receipt, Verdict
from benchmark_runner.workload import FunctionWorkload, Origin, Version

_Key = tuple[Version, Version]


class RemoteBench:
    """See the Bench protocol. `here` is the same workload's bench on this machine.

    What an executor can't do (a job that was given up, a host that differs, no worker left) is
    done here, and told once: a cluster that fails costs time, not the search.
    """

    def __init__(
        self,
        here: Bench,
        workload: FunctionWorkload,
        executor: Executor,
        *,
        python: Path,
        allow_unsandboxed: bool = False,
        rounding: float | None = None,
        progress: Progress = silent,
        cancel: CancelToken | None = None,
        note: Callable[[str], None] | None = None,
    ) -> None:
        self._here, self._workload, self._executor = here, workload, executor
        self._python, self._allow, self._rounding = python, allow_unsandboxed, rounding
        self._progress, self._cancel = progress, cancel or CancelToken()
        self._note = note or (lambda text: None)
        self._verdicts: dict[Version, tuple[Verdict, Origin]] = {}
        self._measured: dict[_Key, Answer] = {}

    def __enter__(self) -> RemoteBench:
        self._here.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._verdicts.clear()
        self._measured.clear()
        self._here.__exit__(kind, error, traceback)

    @property
    def before(self) -> Version:
        """The version that candidates are judged against."""
        return self._here.before

    def prepare(self) -> InputsUsed:
        """Run the original against itself, on this machine."""
        return self._here.prepare()

    def shapes(self) -> tuple[str, ...]:
        """What the inputs are made of."""
        return self._here.shapes()

    def expect(self, afters: Sequence[tuple[Version, Origin]], before: Version) -> None:
        """Evaluate several versions at once; `check` and `measure` then answer from that."""
        wanted = [(v, o) for v, o in afters if v not in self._verdicts and v != self.before]
        jobs = [self._job("evaluate", after, origin, before) for after, origin in wanted]
        for (after, origin), answer in zip(wanted, self._answers(jobs), strict=True):
            if answer is not None and answer.verdict is not None:
                self._verdicts[after] = answer.verdict, origin
                self._measured[before, after] = answer

    def check(self, after: Version, origin: Origin) -> Verdict:
        """Whether a version behaves as the original does."""
        if after not in self._verdicts:
            verdict = Verdict("exact") if after == self.before else None
            if verdict is None:
                [answer] = self._answers([self._job("check", after, origin, None)])
                verdict = answer.verdict if answer else None
            if verdict is None:
                verdict = self._here.check(after, origin)
            self._verdicts[after] = verdict, origin
        return self._verdicts[after][0]

    def measure(self, before: Version, after: Version) -> Measurement:
        """Search fidelity. Both versions must have passed `check`; see Bench.measure."""
        origin = self._equal(after)
        self._equal(before)
        answer = self._measured.get((before, after))
        if answer is None or (answer.measurement is None and answer.error is None):
            [answer] = self._answers([self._job("evaluate", after, origin, before)])
        if answer is not None and answer.measurement is not None:
            return answer.measurement
        if answer is not None and answer.error is not None:
            raise CandidateFailed("timing", answer.error.message)
        for version in (before, after):
            self._here.check(version, self._equal(version))
        return self._here.measure(before, after)

    def prove(self, after: Version, *, origin: Origin, before: Version | None = None) -> Receipt:
        """All stages, as one job on one host."""
        [answer] = self._answers([self._job("prove", after, origin, before)])
        if answer is not None and answer.receipt is not None:
            return answer.receipt
        if before is not None:
            self._here.check(before, origin)
        return self._here.prove(after, origin=origin, before=before)

    def sample(
        self, before: Version, after: Version, *, first: int, count: int, share: float
    ) -> list[float]:
        """Fresh replicates at a fidelity of halving, on this machine: few and short. See Sampler.

        Raises ValueError where the bench of this machine has no fidelities.
        """
        if not isinstance(self._here, Sampler):
            raise ValueError("this kind of bench has no fidelities")  # noqa: TRY004
        for version in (before, after):
            if version != self.before:
                self._here.check(version, self._equal(version))
        return self._here.sample(before, after, first=first, count=count, share=share)

    def _equal(self, version: Version) -> Origin:
        if version == self.before:
            return "user"
        known = self._verdicts.get(version)
        if known is None or known[0].equality is None:
            raise ValueError("only versions that were found equal to the original are timed")
        return known[1]

    def _job(self, action: Action, after: Version, origin: Origin, before: Version | None) -> Job:
        return Job(
            workload=self._workload,
            action=action,
            after=after,
            origin=origin,
            python=self._python,
            before=before,
            rounding=self._rounding,
            allow_unsandboxed=self._allow,
        )

    def _answers(self, jobs: list[Job]) -> list[Answer | None]:
        """Answers of the executor; None for a job that has to be done here."""
        try:
            answers = self._executor.run(jobs, self._progress, self._cancel)
        except HastenError as error:
            self._note(f"{error.message}: done on this machine")
            return [None] * len(jobs)
        kept: list[Answer | None] = []
        for answer in answers:
            failed = answer.error
            if failed is not None and not failed.code.startswith("candidate-"):
                self._note(f"{failed.message}: done on this machine")
                kept.append(None)
            else:
                kept.append(answer)
        return kept
