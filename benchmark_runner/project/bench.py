"""CommandBench: a project's own tests and benchmarks judge versions of its tree.

The tests must pass on both sides, test by test where the tool tells them; the benchmark runs in
interleaved pairs, each run in a fresh copy at the same path, until the same statistics as for
functions decide, and once more on fresh runs. Commands run sandboxed as whole programs.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from analysis.progress import CancelToken, Progress, silent
from benchmark_runner.errors import CandidateFailed
from benchmark_runner.lock import timing_lock
from benchmark_runner.measuring.decision import Judgement
from benchmark_runner.measuring.statistics import Noise, Step, fails, glance, look
from benchmark_runner.project import pairs as paired
from benchmark_runner.project.copies import Copies, Ran
from benchmark_runner.project.instrument import read_file, shown
from benchmark_runner.project.junit import TestOutcome, difference
from benchmark_runner.project.metrics import Reading
from benchmark_runner.project.original import observe
from benchmark_runner.project.proof import Facts, make_receipt
from benchmark_runner.project.trees import is_harness, scratch_folder
from benchmark_runner.proof import Diary
from benchmark_runner.receipt import (
    Counterexample,
    InputsUsed,
    Level,
    Measurement,
    Receipt,
    Verdict,
)
from benchmark_runner.sandbox.probe import not_allowed, probe
from benchmark_runner.workload import CommandWorkload, Origin, Version

Rule = Callable[[list[float], Noise], Step]


class CommandBench:
    """Proves versions of a tree against the workload's `before`; see the Bench protocol.

    `rounding` has no meaning here: the project's own tests say what is equal. At L0 versions by a
    user or a model are refused unless `allow_unsandboxed`.
    """

    def __init__(
        self,
        workload: CommandWorkload,
        *,
        python: Path,
        allow_unsandboxed: bool = False,
        rounding: float | None = None,
        progress: Progress = silent,
        cancel: CancelToken | None = None,
    ) -> None:
        self._workload, self._python, self._allow = workload, python, allow_unsandboxed
        self._progress, self._cancel = progress, cancel or CancelToken()
        self._level: Level = probe().level
        self._stack = ExitStack()
        self._copies: Copies | None = None
        self._tests: dict[str, TestOutcome] = {}
        self._readings: tuple[Reading, ...] = ()
        self._checked: dict[Version, Verdict] = {}
        self._notes: list[str] = []
        self._exits: dict[str, int] = {}

    def __enter__(self) -> CommandBench:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Remove all copies; a bench that is used again makes them anew."""
        self._stack.close()
        self._copies = None
        self._readings, self._tests = (), {}
        self._checked.clear()

    @property
    def before(self) -> Version:
        """The version that candidates are judged against."""
        return self._workload.before

    def shapes(self) -> tuple[str, ...]:
        """Nothing: the inputs are the project's own."""
        return ()

    # -- the original

    def prepare(self) -> InputsUsed:
        """Run the original's tests twice and its benchmark at least twice, once per bench.

        Raises WorkloadError (command-test-missing, original-failed, nondeterministic,
        metric-missing, metric-unrepeatable, git-..., tree-large), InterpreterError, SandboxError
        and Cancelled.
        """
        if not self._readings:
            self._prepare()
        count = len(self._readings[0].metrics)
        return InputsUsed("command", count, count, False, self._digest())

    def _digest(self) -> str:
        work = self._workload
        named = [*(metric.name for metric in self._readings[0].metrics), *self._tests]
        told = [shown(work.benchmark), shown(work.test or ()), work.metric, *named]
        return hashlib.sha256("\0".join(told).encode("utf-8", "surrogatepass")).hexdigest()

    def _open(self) -> Copies:
        if self._copies is None:
            folder = self._stack.enter_context(scratch_folder())
            self._copies = Copies(self._workload, folder, self._python, self._cancel)
        return self._copies

    def _prepare(self) -> None:
        copies = self._open()
        found = observe(self._workload, copies, self._progress, self._cancel)
        self._notes, self._tests, self._readings = found.notes, found.tests, found.readings
        self._exits["tests before"] = 0

    # -- equivalence

    def check(self, after: Version, origin: Origin) -> Verdict:
        """Whether a version's tests do as well as the original's. Raises what `prepare` raises."""
        self.prepare()
        if after not in self._checked:
            self._checked[after] = self._check(after, origin)
        return self._checked[after]

    def _check(self, after: Version, origin: Origin) -> Verdict:
        tests = len(self._tests)
        if why := not_allowed(self._level, origin, self._allow):
            return Verdict(None, refused=why, inputs=tests, tried=False)
        changed = self.changed(after)
        touched = [name for name in changed if is_harness(name)]
        if touched and origin != "user":
            return Verdict(None, refused=f"changes a test or benchmark: {touched[0]}", inputs=tests)
        copies = self._open()
        if after == self.before:
            return Verdict("exact", inputs=tests)
        self._progress("testing the new version", 0.12)
        setup = copies.set_up(after)
        ran = copies.test(after) if setup is None or setup.ok else setup
        if not ran.ok:
            copies.forget(after)
        what = "tests" if setup is None or setup.ok else "setup"
        self._exits["tests after"] = ran.run.exit_code
        found = difference(self._tests, ran.tests) if what == "tests" else None
        if ran.ok and found is None:
            return Verdict("exact", inputs=tests)
        words = (self._workload.setup if what == "setup" else self._workload.test) or ()
        name, was, now = found or (shown(words), "exit code 0", ran.how(self._workload.timeout_s))
        example = Counterexample(0, name, was, now, what, shown(words), what)
        return Verdict(None, counterexample=example, inputs=tests)

    def changed(self, after: Version) -> dict[str, str]:
        """Digests of the files that differ from the original's; "" for one that is gone."""
        copies = self._open()
        old, new = copies.copied(self.before).digests, copies.copied(after).digests
        names = sorted({*old, *new})
        return {name: new.get(name, "") for name in names if old.get(name) != new.get(name)}

    def as_texts(self, version: Version) -> Version:
        """The same version as texts on top of the original's commit, so that it can be kept.

        The version itself where that can't be said: files that are gone or are no text.
        """
        if self.before.commit is None or version.commit is not None:
            return version
        files = {}
        for name, digest in self.changed(version).items():
            data = read_file(self._workload.tree, self._workload.tree / name)
            try:
                if not digest or data is None:
                    return version
                files[self._workload.tree / name] = data.decode("utf-8")
            except UnicodeDecodeError:
                return version
        return Version(Version.of(files).files, self.before.commit)

    # -- timing

    def measure(self, before: Version, after: Version) -> Measurement:
        """Search fidelity: one or two pairs. Both versions must have passed `check`.

        Raises ValueError if not, CandidateFailed when a run fails or names other benchmarks.
        """
        with timing_lock(self._progress, self._cancel):
            runs, step = self._phase(before, after, glance, 0, time.monotonic())
        return paired.summarise(runs, step, None, f"{runs.shown()} in a search")

    def _equal(self, version: Version) -> None:
        verdict = self._checked.get(version)
        if version != self.before and (verdict is None or verdict.equality is None):
            raise ValueError("only versions that were found equal to the original are timed")

    def _pair(self, before: Version, after: Version, number: int) -> paired.PairOfRuns:
        """Pair `number`: before first in even ones, after first in odd ones (ABBA)."""
        order = [("before", before), ("after", after)]
        ran = {name: self._timed(name, v) for name, v in order[:: 1 if number % 2 == 0 else -1]}
        readings = {name: one.reading for name, one in ran.items()}
        old, new = readings["before"], readings["after"]
        assert old is not None and new is not None  # _timed raises without
        return paired.PairOfRuns(
            old, new, ran["before"].run.wall_s, ran["after"].run.wall_s,
            ran["before"].run.cpu_s + ran["after"].run.cpu_s, self._workload.higher_is_better,
        )  # fmt: skip

    def _timed(self, side: str, version: Version) -> Ran:
        ran = self._open().benchmark(version)
        self._exits[f"benchmark {side}"] = ran.run.exit_code
        if not ran.ok:
            raise CandidateFailed(
                "benchmark", f"the benchmark {ran.how(self._workload.timeout_s)} ({side})"
            )
        expected = {metric.name: metric.unit for metric in self._readings[0].metrics}
        told = ran.reading.by_name if ran.reading is not None else {}
        missing = [name for name, unit in expected.items()
                   if name not in told or told[name].unit != unit]  # fmt: skip
        if missing or ran.reading is None:
            raise CandidateFailed("benchmark", f"it no longer tells {missing[0]!r} ({side})")
        kept = tuple(told[name] for name in expected)
        reading = Reading(ran.reading.tool, kept, ran.reading.version)
        return Ran(ran.run, ran.tests, reading)

    def _phase(
        self, before: Version, after: Version, rule: Rule, number: int, since: float
    ) -> tuple[paired.Runs, Step]:
        """Pairs until the rule or the budget says stop."""
        for version in (before, after):
            self._equal(version)
        self.prepare()
        runs = paired.Runs()
        step: Step = "continue"
        while step == "continue":
            if not self._affordable(runs, since):
                return runs, "exhausted"
            done = len(runs.pairs)
            self._progress(f"timing, pair {done + 1} of at most {paired.NOISE.looks[-1]}",
                           0.2 + 0.6 * done / paired.NOISE.looks[-1])  # fmt: skip
            runs.pairs.append(self._pair(before, after, number + done))
            step = rule(runs.values(), paired.NOISE)
        return runs, step

    def _affordable(self, runs: paired.Runs, since: float) -> bool:
        """Whether another pair ends within the budget; the first one is always run."""
        spent = time.monotonic() - since
        each = spent / max(1, len(runs.pairs))
        return not runs.pairs or spent + each <= self._workload.budget_s

    def _confirm(self, before: Version, after: Version, number: int, since: float) -> paired.Runs:
        runs = paired.Runs()
        for done in range(paired.NOISE.confirm):
            if time.monotonic() - since > self._workload.budget_s:
                break
            self._progress(f"confirming, pair {done + 1} of {paired.NOISE.confirm}",
                           0.8 + 0.2 * done / paired.NOISE.confirm)  # fmt: skip
            runs.pairs.append(self._pair(before, after, number + done))
            if fails(runs.values(), paired.NOISE):
                break
        return runs

    # -- the whole proof

    def prove(self, after: Version, *, origin: Origin, before: Version | None = None) -> Receipt:
        """All stages; see Bench.prove. Raises what `prepare` raises."""
        diary, base = Diary(), self.before if before is None else before
        since = time.perf_counter()
        used = self.prepare()
        diary.add("original", since)
        self._equal(base)
        since = time.perf_counter()
        verdict = self.check(after, origin)
        failed = verdict.refused or (verdict.counterexample and verdict.counterexample.what)
        diary.add("tests", since, failed or None)
        first: paired.Runs | None = None
        step: Step = "stop"
        confirmed: paired.Runs | None = None
        if verdict.equality is None:
            judgement = _unequal(verdict)
        else:
            since = time.perf_counter()
            try:
                first, step, confirmed = self._time(base, after, diary)
                judgement = paired.judge(
                    first, step, confirmed, self._workload.budget_s, known=origin == "user"
                )
            except CandidateFailed as error:
                diary.add("timing", since, error.message)
                judgement = Judgement("refused", f"{error.stage}: {error.message}")
        self._progress(judgement.reason, 1.0)
        diary.notes += self._remarks(after, judgement, first)
        facts = Facts(
            workload=self._workload, python=self._python, base=base, after=after,
            digests=(self._open().copied(base).digests, self._open().copied(after).digests),
            changed=self.changed(after), used=used, level=self._level, allowed=self._allow,
            reading=self._readings[0],
        )  # fmt: skip
        return make_receipt(facts, verdict, judgement, (first, step, confirmed), diary)

    def _time(
        self, base: Version, after: Version, diary: Diary
    ) -> tuple[paired.Runs, Step, paired.Runs | None]:
        with timing_lock(self._progress, self._cancel):
            since, clock = time.perf_counter(), time.monotonic()
            first, step = self._phase(base, after, look, 0, clock)
            diary.add("timing", since)
            if step != "accept" or paired.hides_time([first]):
                return first, step, None
            since = time.perf_counter()
            confirmed = self._confirm(base, after, len(first.pairs), clock)
            diary.add("confirmation", since)
            return first, step, confirmed

    def _remarks(
        self, after: Version, judgement: Judgement, first: paired.Runs | None
    ) -> list[str]:
        work, notes = self._workload, list(self._notes)
        notes += self._open().copied(after).notes
        notes.append(
            "tests and benchmarks of each version's own (--own-tests)"
            if work.own_tests
            else "tests and benchmarks are the base's for both versions"
        )
        touched = [name for name in self.changed(after) if is_harness(name)]
        if touched:
            notes.append("changed tests or benchmarks: " + ", ".join(touched[:5])
                         + ("" if work.own_tests else " (not used)"))  # fmt: skip
        if not self._tests:
            notes.append("the test command tells no single tests: only its exit code was compared")
        if first is not None and first.pairs and first.pairs[0].hidden_s() is None:
            notes.append("the metric is the benchmark's own word: its clock was not checked")
        if judgement.decision == "faster" and first is not None and first.estimate().ratio > 10:
            notes.append("more than 10x: check that the benchmark still does the work")
        if self._level == "L0":
            notes.append("run without a sandbox (level L0)")
        exits = ", ".join(f"{name} {code}" for name, code in sorted(self._exits.items()))
        notes.append(f"exit codes: {exits}")
        return list(dict.fromkeys(notes))


def _unequal(verdict: Verdict) -> Judgement:
    found = verdict.counterexample
    if found is None:
        return Judgement("refused", verdict.refused or "refused")
    return Judgement("different", f"{found.call}: {found.before}, now {found.after}")
