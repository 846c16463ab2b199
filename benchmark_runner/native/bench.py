"""What benches of compiled code share: the stages of a proof by runs of whole processes.

The original runs on its cases, every candidate on the same with sanitizers and without; then runs
of both take turns and are timed, and the winner is confirmed on cases that it was not chosen on.
"""

from __future__ import annotations

import hashlib
import time
from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from analysis.progress import CancelToken, Progress
from benchmark_runner.environment import describe
from benchmark_runner.errors import CandidateFailed
from benchmark_runner.lock import timing_lock
from benchmark_runner.measuring.decision import Judgement, judge
from benchmark_runner.measuring.measurement import confirmation, first_phase, summarise
from benchmark_runner.measuring.samples import clock_note
from benchmark_runner.measuring.statistics import glance
from benchmark_runner.measuring.timing import Rates
from benchmark_runner.native import gate
from benchmark_runner.native.behaviour import Differs, Original, Pair, Same, Unsafe
from benchmark_runner.native.plan import Plan
from benchmark_runner.native.race import Race
from benchmark_runner.native.runner import Runner
from benchmark_runner.proof import Case as Proof
from benchmark_runner.proof import Diary, Timed, make_receipt, within
from benchmark_runner.receipt import (
    Build,
    Dependency,
    Equality,
    Growth,
    InputsUsed,
    Level,
    Measurement,
    Memory,
    Receipt,
    SandboxReport,
    Verdict,
)
from benchmark_runner.sandbox.policy import Sandbox
from benchmark_runner.sandbox.probe import not_allowed, probe
from benchmark_runner.workload import FunctionWorkload, GeneratedInputs, Kind, Origin, Version

_SHARED = 0.5
"""Of the gain on the given cases, on the log scale, how much fresh ones must show."""


class ProcessBench(ABC):
    """The stages; what a kind of workload does differently is asked of its class."""

    kind: Kind

    def __init__(
        self,
        path: Path,
        name: str,
        before: Version,
        *,
        python: Path,
        allow_unsandboxed: bool,
        rounding: float | None,
        progress: Progress,
        cancel: CancelToken | None,
    ) -> None:
        self._path, self._name, self._before, self._python = path, name, before, python
        self._allow, self._rounding = allow_unsandboxed, rounding
        self._progress, self._cancel = progress, cancel or CancelToken()
        self._level: Level = probe().level
        self._sandbox = Sandbox(self._level)
        self._made: tuple[Original, Plan] | None = None
        self._prepare_s = 0.0
        self._checked: dict[Version, Verdict] = {}
        self._same: dict[Version, Same] = {}

    # -- what differs

    @abstractmethod
    def _pair(self, version: Version) -> Pair:
        """Both forms of a version. Raises CandidateFailed, and WorkloadError for the original."""

    @abstractmethod
    def _observed(self) -> tuple[Original, Plan]:
        """The original on its inputs, and what is timed. Raises what `prepare` raises."""

    @abstractmethod
    def _race(
        self, before: Version, after: Version, original: Original, plan: Plan
    ) -> AbstractContextManager[Race]:
        """The timing of two versions."""

    @abstractmethod
    def prepare(self) -> InputsUsed:
        """Build the original and run it on its inputs, once per bench.

        Raises WorkloadError (build-failed, original-failed, case-mismatch, nondeterministic, ...),
        InterpreterError, SandboxError and Cancelled.
        """

    @abstractmethod
    def _build(self) -> Build | None:
        """How versions are built."""

    @abstractmethod
    def _dependencies(self) -> tuple[Dependency, ...]:
        """What a claim rests on."""

    @abstractmethod
    def _remarks(self) -> list[str]:
        """Notes for the receipt."""

    def _refusal(self, after: Version) -> str | None:
        """Why a candidate is refused before it is built, or None."""
        return gate.refusal(*self._texts(after))

    def _refusal_built(self, after: Version) -> str | None:
        """Why a candidate is refused once it is built, or None."""
        return None

    def _growth(self, receipt: Receipt, original: Original, plan: Plan) -> Growth | None:
        """How time grows, where the sizes of the timed inputs tell."""
        return None

    def _remembers(
        self, base: Version, after: Version, original: Original, plan: Plan, timed: Timed
    ) -> str | None:
        """Why a gain may be owed to what earlier calls left behind, or None. Raises
        CandidateFailed."""
        return None

    def _memory(self, race: Race) -> Memory | None:
        """Peak memory in either version, where runs tell."""
        return race.memory()

    # -- the original

    @property
    def before(self) -> Version:
        """The version that candidates are judged against."""
        return self._before

    def _runner(self, *pairs: Pair) -> Runner:
        shown = [p for pair in pairs for p in (pair.timed, pair.checked) if p is not None]
        return Runner(shown, self._sandbox, self._cancel)

    def _known(self) -> tuple[Original, Plan]:
        """The original, run at the first call, and the plan. Raises what `prepare` raises."""
        if self._made is None:
            since = time.perf_counter()
            self._progress("building the original", 0.0)
            self._made = self._observed()
            self._checked[self._before] = Verdict("exact", inputs=len(self._made[0].known))
            self._same[self._before] = Same(0.0, False, False)
            self._prepare_s = time.perf_counter() - since
        return self._made

    def _sources(self, original: Original) -> tuple[tuple[str, int], ...]:
        found: dict[str, int] = {}
        for known in original.known:
            found[known.case.source] = found.get(known.case.source, 0) + 1
        return tuple(found.items())

    def _forget(self) -> None:
        self._checked.clear()
        self._same.clear()

    # -- equivalence

    def check(self, after: Version, origin: Origin) -> Verdict:
        """Whether a version does what the original does, on all inputs.

        Raises what `prepare` raises.
        """
        original, _ = self._known()
        known = self._checked.get(after)
        if known is None:
            known = self._checked[after] = self._compare(after, origin, original)
        return known

    def _compare(self, after: Version, origin: Origin, original: Original) -> Verdict:
        count = len(original.known)
        if why := not_allowed(self._level, origin, self._allow):
            return Verdict(None, refused=why, inputs=count, tried=False)
        if why := self._refusal(after):
            return Verdict(None, refused=why, inputs=count)
        self._progress("building the candidate", 0.15)
        try:
            pair = self._pair(after)
        except CandidateFailed as error:
            return Verdict(None, refused=f"{error.stage}: {error.message}", inputs=count)
        if why := self._refusal_built(after):
            return Verdict(None, refused=why, inputs=count)
        with self._runner(pair, self._pair(self._before)) as runner:
            found = original.compare(pair, runner, within(self._progress, 0.15, 0.3))
        if isinstance(found, Unsafe):
            return Verdict(None, refused=found.reason, inputs=count)
        if isinstance(found, Differs):
            return Verdict(None, counterexample=found.counterexample, inputs=count)
        self._same[after] = found
        equality: Equality = "rounding" if found.max_relative else "exact"
        return Verdict(equality, max_relative=found.max_relative, inputs=count)

    def _source(self, after: Version) -> tuple[Dependency, ...]:
        """The source as it is and as the edit leaves it."""
        encoded = [text.encode("utf-8", "surrogateescape") for text in self._read(after)]
        digests = [hashlib.sha256(data).hexdigest()[:32] for data in encoded]
        kinds = ("file", "edited")
        return tuple(
            Dependency(kind, str(self._path), self._path.name, digest)
            for kind, digest in zip(kinds, digests, strict=True)
        )

    def _read(self, after: Version) -> tuple[str, str]:
        """The texts of the original and of a candidate."""
        texts = [version.text_of(self._path) for version in (self._before, after)]
        read = [self._path.read_text("utf-8", "replace") if t is None else t for t in texts]
        return read[0], read[1]

    def _texts(self, after: Version) -> tuple[str, str]:
        """The same for the gate, which knows C and C++."""
        return self._read(after) if self._path.suffix != ".py" else ("", "")

    def _equal(self, version: Version) -> None:
        if version not in self._same:
            raise ValueError("only versions that were found equal to the original are timed")

    # -- timing

    def measure(self, before: Version, after: Version) -> Measurement:
        """Search fidelity: one or two replicates on the timed inputs; promising, not proved.

        Both versions must have passed `check`. Raises ValueError if not, CandidateFailed when one
        does something else while it is timed or runs are too short, and what `prepare` raises.
        """
        original, plan = self._known()
        self._equal(before)
        self._equal(after)
        if not plan.timed:
            raise CandidateFailed("timing", plan.short)
        with (
            self._race(before, after, original, plan) as race,
            timing_lock(self._progress, self._cancel),
        ):
            samples, step = first_phase(
                race,
                plan.timed,
                Rates(sizes={}),
                rule=glance,
                progress=self._progress,
                cancel=self._cancel,
            )
        return summarise(samples, step, None, reason=judge(samples, step, None).reason)

    def _time(
        self, base: Version, after: Version, original: Original, plan: Plan, diary: Diary
    ) -> tuple[Timed, Race]:
        """Both phases under the machine's lock. Raises CandidateFailed."""
        rates = Rates(sizes={})
        with (
            self._race(base, after, original, plan) as race,
            timing_lock(self._progress, self._cancel),
        ):
            since = time.perf_counter()
            samples, step = first_phase(
                race,
                plan.timed,
                rates,
                progress=within(self._progress, 0.3, 0.75),
                cancel=self._cancel,
            )
            diary.add("timing", since)
            if note := clock_note(samples):
                diary.notes.append(note)
            confirmed = None
            if step == "accept":
                since = time.perf_counter()
                confirmed = confirmation(
                    race,
                    plan.holdout or plan.timed,
                    len(samples.runs),
                    clock=samples.clock,
                    progress=within(self._progress, 0.75, 0.95),
                    cancel=self._cancel,
                )
                diary.add("confirmation", since)
        return Timed(samples, step, confirmed), race

    # -- the whole proof

    def prove(self, after: Version, *, origin: Origin, before: Version | None = None) -> Receipt:
        """All stages. `before` (default: the original) is the timing base and must have passed
        `check`; equality is always against the original. Raises what `prepare` raises.
        """
        diary = Diary()
        base = self._before if before is None else before
        original, plan = self._known()
        diary.add("original", time.perf_counter() - self._prepare_s)
        diary.notes += self._notes(original, plan, after)
        self._equal(base)
        since = time.perf_counter()
        verdict = self.check(after, origin)
        found = verdict.counterexample
        diary.add("equivalence", since, verdict.refused or (found.what if found else None))
        race, timed = None, None
        if verdict.refused is not None:
            judgement = Judgement("refused", verdict.refused)
        elif found is not None:
            reason = f"{found.what} differs on {found.call}: {found.before}, now {found.after}"
            judgement = Judgement("different", reason)
        elif not plan.timed:
            judgement = Judgement("inconclusive", plan.short)
        else:
            diary.notes += _said_of(self._same[after])
            since = time.perf_counter()
            try:
                timed, race = self._time(base, after, original, plan, diary)
                judgement = _judged(timed, bool(plan.holdout))
                if judgement.decision == "faster":
                    since = time.perf_counter()
                    if why := self._remembers(base, after, original, plan, timed):
                        judgement = Judgement("inconclusive", why)
                    diary.add("fresh memory", since, why)
            except CandidateFailed as error:
                diary.add("timing", since, error.message)
                judgement = Judgement("refused", f"{error.stage}: {error.message}")
        self._progress(judgement.reason, 1.0)
        return self._receipt(base, after, verdict, judgement, timed, race, diary)

    def _notes(self, original: Original, plan: Plan, after: Version) -> list[str]:
        notes = [*original.notes, *self._remarks()]
        if plan.note:
            notes.append(plan.note)
        if not plan.holdout and plan.timed:
            notes.append("no hold-out: a gain on these very inputs alone would not be noticed")
        if self._level == "L0":
            notes.append("run without a sandbox (level L0)")
        return notes + gate.notes(*self._texts(after))

    def _receipt(
        self,
        base: Version,
        after: Version,
        verdict: Verdict,
        judgement: Judgement,
        timed: Timed | None,
        race: Race | None,
        diary: Diary,
    ) -> Receipt:
        receipt = make_receipt(
            Proof(
                FunctionWorkload(self._path, self._name, self._before, GeneratedInputs()),
                base,
                after,
                describe(self._python),
                self.prepare(),
                SandboxReport(self._level, self._allow, probe().missing),
                (*self._source(after), *self._dependencies()),
            ),
            verdict,
            judgement,
            timed,
            diary,
        )
        original, plan = self._known()
        return replace(
            receipt,
            kind=self.kind,
            build=self._build(),
            memory=self._memory(race) if race else None,
            growth=self._growth(receipt, original, plan) if timed else None,
        )


def _judged(timed: Timed, held: bool) -> Judgement:
    """The decision; a gain that is mostly one on the given cases alone is none.

    A program that knows their answers is as slow as ever on cases that were made from them.
    """
    judgement = judge(timed.samples, timed.step, timed.confirmed)
    if timed.confirmed is None or not held or judgement.decision not in ("faster", "not faster"):
        return judgement
    given, fresh = timed.samples.estimate(), timed.confirmed.estimate()
    if fresh.mean >= _SHARED * given.mean:
        return judgement
    return Judgement(
        "refused",
        f"its gain is one on the given cases: {given.ratio:.3g}x on these, {fresh.ratio:.3g}x on "
        "fresh ones with the same shape and other values (where the given ones are special on "
        "purpose, --only-cases judges by them alone)",
    )


def _said_of(same: Same) -> list[str]:
    notes = []
    if same.spaces:
        notes.append("whitespace at the ends of lines or of the output differs; it does not count")
    if same.said_more:
        notes.append("standard error differs; it does not count")
    return notes
