"""What the original does on its cases, and whether a candidate does the same."""

from __future__ import annotations

import random
import re
import shlex
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from analysis.progress import Progress
from benchmark_runner.errors import WorkloadError
from benchmark_runner.native import formats
from benchmark_runner.native.cases import Case, Source
from benchmark_runner.native.outputs import Compared, compare
from benchmark_runner.native.runner import Program, Run, Runner
from benchmark_runner.receipt import Counterexample

ORIGINAL_S = 40.0
"""Wall seconds that the original may take on one case; sanitizers take up to ten times longer."""
_LEAST_S = 4.0
_SLOWER_IS_HUNG = 10.0
_MUTATED = 30
_MADE_S = 8.0
"""How many cases are made, and the wall seconds that making them may take."""
_MADE_CPU_S = 1.0
_SHRINKS = 24
_SHRINK_S = 6.0
_LONGEST_SHOWN = 400
_SHORT = 120
_REPORT = re.compile(
    r"[^\n]*(?:ERROR: AddressSanitizer|runtime error: |Assertion '.*' failed|AddressSanitizer:)"
    r"[^\n]*"
)


@dataclass(frozen=True)
class Known:
    """What the original does on a case. `unclean` is the first line of a sanitizer's report."""

    index: int
    case: Case
    run: Run
    unclean: str | None = None


@dataclass(frozen=True)
class Pair:
    """The two forms of a version. `checked` is None where there is no second form."""

    timed: Program
    checked: Program | None


@dataclass(frozen=True)
class Alike:
    """A case on which a candidate did the same. `said_more`: but for standard error."""

    compared: Compared
    said_more: bool


Difference = tuple[str, str, str]
"""What differs, what the original did, and what the candidate does."""


@dataclass(frozen=True)
class Differs:
    """A candidate that does something else on a case."""

    counterexample: Counterexample


@dataclass(frozen=True)
class Unsafe:
    """A candidate with undefined behaviour that the original has not."""

    reason: str


@dataclass(frozen=True)
class Same:
    """A candidate that did the same on all cases; `max_relative` of floats, `spaces` as in
    outputs."""

    max_relative: float
    spaces: bool
    said_more: bool
    """Whether it wrote something else to standard error."""


def report_in(run: Run) -> str | None:
    """The first line of a sanitizer's report that ended a run, without addresses and folders."""
    if run.reason == "" and run.code == 0:
        return None
    found = _REPORT.search(run.err.decode("utf-8", "replace"))
    if found is None:
        return None
    text = re.sub(r"==\d+==\s*|\(?0x[0-9a-f]{4,}\)?", "", found.group())
    return re.sub(r"(/[^\s/:]+)+/", "", text).strip()[:200]


class Original:
    """The original on given and made cases. Raises WorkloadError where it can't be judged."""

    def __init__(
        self,
        cases: Sequence[Case],
        own: Pair,
        runner: Runner,
        *,
        rounding: float | None,
        make: bool,
        progress: Progress,
    ) -> None:
        self._own, self._rounding = own, rounding
        self.notes: list[str] = []
        self.known: list[Known] = []
        for at, case in enumerate(cases):
            progress(f"the original on case {case.name}", 0.12 * at / len(cases))
            self._keep(self._given(case, runner))
        unclean = [known for known in self.known if known.unclean]
        if unclean:
            self.notes.append(
                f"the original has undefined behaviour on {len(unclean)} of {len(cases)} cases "
                f"({unclean[0].unclean}): compared there without sanitizers"
            )
        self.format = formats.Format.infer(
            [text for case in cases if (text := formats.parse(case.input)) is not None]
        )
        if make:
            progress("making cases from the given ones", 0.12)
            self._make(cases, runner)

    @property
    def slowest_s(self) -> float:
        """CPU seconds of the original's longest run."""
        return max(known.run.cpu_s for known in self.known)

    def _keep(self, found: tuple[Case, Run, str | None]) -> None:
        self.known.append(Known(len(self.known), *found))

    def _given(self, case: Case, runner: Runner) -> tuple[Case, Run, str | None]:
        run = self._fine(case, runner)
        if case.expected is not None:
            told = compare(case.expected, run.out, self._rounding)
            if told.where is not None:
                raise WorkloadError(
                    f"the original does not print what case {case.name} expects: {told.where}",
                    code="case-mismatch",
                    mend="mend NAME.out, or leave it out where several answers are right",
                )
        again = self._fine(case, runner)
        if (again.out, again.code) != (run.out, run.code):
            raise WorkloadError(
                f"the original does something else each time on case {case.name}",
                code="nondeterministic",
                mend="make it depend on its input alone (seeds, addresses, the clock)",
            )
        return case, run, self._unclean(case, run, runner)

    def _fine(self, case: Case, runner: Runner) -> Run:
        """A run of the original that ends by itself. Raises WorkloadError."""
        run = runner.run(self._own.timed, case, ORIGINAL_S)
        if not run.fine:
            raise WorkloadError(
                f"the original can't be judged on case {case.name}: {run.how}",
                code="original-failed",
                mend="leave the case out, or mend the program",
            )
        return run

    def _unclean(self, case: Case, run: Run, runner: Runner) -> str | None:
        """Why the checked form can't be compared on a case, or None."""
        if self._own.checked is None:
            return None
        checked = runner.run(self._own.checked, case, 5 * ORIGINAL_S)
        if report := report_in(checked):
            return report
        if (checked.code, checked.out) != (run.code, run.out):
            return f"its checked form differs: {checked.how}"
        return None

    # -- made cases

    def _make(self, cases: Sequence[Case], runner: Runner) -> None:
        """Cases from the given ones, where the original handles them well and alike."""
        if self.format is None:
            self.notes.append("no format seen in the cases: no other inputs were made from them")
            return
        until = time.monotonic() + _MADE_S
        seen = {case.input for case in cases}
        for case in self._proposed(cases):
            if len(self.known) >= len(cases) + _MUTATED or time.monotonic() > until:
                break
            if case.input not in seen:
                seen.add(case.input)
                self.accept(case, runner)

    def accept(self, case: Case, runner: Runner) -> Known | None:
        """Take in a made case if the original handles it: exit code 0, output, no report."""
        run = runner.run(self._own.timed, case, ORIGINAL_S / 8)
        good = run.fine and run.code == 0 and run.out.strip() and run.cpu_s <= _MADE_CPU_S * 4
        if not good or self._unclean(case, run, runner) is not None:
            return None
        if self._own.checked is None:  # the checked form is a second run
            again = runner.run(self._own.timed, case, ORIGINAL_S / 8)
            if (again.out, again.code) != (run.out, run.code):
                return None
        self._keep((case, run, None))
        return self.known[-1]

    def _proposed(self, cases: Sequence[Case]) -> Iterator[Case]:
        """Other values in the shape of a case, and other sizes; no case twice before all once."""
        rng = random.Random(20)
        form = self.format
        source: Source
        texts = [(case, text) for case in cases if (text := formats.parse(case.input)) is not None]
        rng.shuffle(texts)
        if form is None:
            return
        for turn in range(2 * _MUTATED):
            for case, text in texts[: 2 * _MUTATED]:
                if turn % 4 == 3:
                    made = form.resized(text, rng, (0.5, 2.0, 0.1)[turn // 4 % 3])
                    name, source = f"{case.name}*", "grown"
                else:
                    made = form.perturbed(text, rng, (1.0, 0.2, 0.6)[turn % 4])
                    name, source = f"{case.name}~", "mutated"
                if made is not None and made != text:
                    yield _made(made, name, source, case)

    def fresh(self, known: Known, runner: Runner) -> Known | None:
        """A case of the same shape with other values everywhere, for timing; None if none does."""
        text = formats.parse(known.case.input)
        if self.format is None or text is None:
            return None
        rng = random.Random(known.index)
        seen = {one.case.input for one in self.known}
        for share in (1.0, 1.0, 0.5, 0.2):
            made = self.format.perturbed(text, rng, share)
            case = _made(made, f"{known.case.name}~", "mutated", known.case)
            if case.input not in seen and (kept := self.accept(case, runner)) is not None:
                return kept
        return None

    def larger(self, runner: Runner, least_s: float) -> list[Known]:
        """Cases grown until the original takes at least so many CPU seconds; few or none."""
        if self.format is None:
            return []
        rng, found = random.Random(21), []
        ranked = sorted(self.known, key=lambda known: -known.run.cpu_s)
        for known in ranked[:3]:
            factor, text = 4.0, formats.parse(known.case.input)
            while text is not None and factor <= 1 << 16:
                made = self.format.resized(text, rng, factor)
                if made is None or sum(map(len, made)) > 300_000:
                    break
                name = f"{known.case.name}*{factor:.0f}"
                kept = self.accept(_made(made, name, "grown", known.case), runner)
                if kept is None:
                    break
                if kept.run.cpu_s >= least_s:
                    found.append(kept)
                    break
                factor *= 4
        return found

    # -- candidates

    def compare(self, after: Pair, runner: Runner, progress: Progress) -> Same | Differs | Unsafe:
        """A candidate on all cases, the smallest inputs first."""
        worst, spaces, said = 0.0, False, False
        ranked = sorted(self.known, key=lambda known: len(known.case.input))
        for at, known in enumerate(ranked):
            progress(f"comparing on case {known.case.name}", at / len(ranked))
            found = self._on(known, after, runner)
            if isinstance(found, Unsafe):
                return found
            if isinstance(found, tuple):
                return Differs(self._shrunk(known, found, after, runner))
            worst = max(worst, found.compared.max_relative)
            spaces, said = spaces or found.compared.spaces, said or found.said_more
        return Same(worst, spaces, said)

    def _on(self, known: Known, after: Pair, runner: Runner) -> Alike | Unsafe | Difference:
        """One case in both forms."""
        limit = max(_LEAST_S, _SLOWER_IS_HUNG * known.run.wall_s)
        run = runner.run(after.timed, known.case, limit)
        compared = self._difference(known, run)
        if isinstance(compared, tuple):
            return compared
        told = Alike(compared, known.run.err != run.err)
        if known.unclean or after.checked is None:
            return told
        checked = runner.run(after.checked, known.case, 10 * limit)
        if report := report_in(checked):
            shown = f"undefined behaviour on case {known.case.name}: {report}"
            return Unsafe(shown) if after.checked.sanitized else told
        again = self._difference(known, checked)
        if isinstance(again, tuple):
            how = "built with sanitizers" if after.checked.sanitized else "under another hash seed"
            return again[0], again[1], f"{again[2]} ({how})"
        return told

    def _difference(self, known: Known, run: Run) -> Compared | Difference:
        if not run.fine:
            return "end", known.run.how, run.how
        if run.code != known.run.code:
            return "exit code", str(known.run.code), str(run.code)
        told = compare(known.run.out, run.out, self._rounding)
        if told.where is None:
            return told
        if max(len(known.run.out), len(run.out)) <= _SHORT:
            return "output", _short(known.run.out), _short(run.out)
        before, _, after = told.where.partition(", now ")
        return "output", before, f"{before.partition(':')[0]}: {after}"

    def _shrunk(
        self, known: Known, found: Difference, after: Pair, runner: Runner
    ) -> Counterexample:
        """The smallest case of the same format that shows a difference."""
        smallest, tries = known, 0
        until = time.monotonic() + _SHRINK_S
        progressed = self.format is not None
        while progressed:
            progressed = False
            for case in self._smaller(smallest.case):
                tries += 1
                if tries > _SHRINKS or time.monotonic() > until:
                    return _counterexample(smallest, found)
                run = runner.run(self._own.timed, case, ORIGINAL_S / 8)
                if not run.fine or run.code != 0 or self._unclean(case, run, runner):
                    continue
                candidate = Known(known.index, case, run)
                told = self._on(candidate, after, runner)
                if isinstance(told, tuple):
                    smallest, found, progressed = candidate, told, True
                    break
        return _counterexample(smallest, found)

    def _smaller(self, case: Case) -> Iterator[Case]:
        text = formats.parse(case.input)
        if self.format is None or text is None:
            return
        for made in self.format.smaller(text):
            data = formats.render(made)
            if len(data) < len(case.input):
                yield Case(case.name, data, None, case.source, case.parent)


def _made(text: formats.Text, name: str, source: Source, parent: Case) -> Case:
    return Case(name, formats.render(text), None, source, parent.parent or parent.name)


def _short(data: bytes) -> str:
    text = data.decode("utf-8", "backslashreplace")
    return repr(text if len(text) <= _SHORT else text[:_SHORT] + "…")


def _counterexample(known: Known, found: Difference) -> Counterexample:
    what, before, after = found
    data = known.case.input
    snippet = known.case.snippet
    if (
        snippet is None
        and not known.case.shown
        and len(data) <= _LONGEST_SHOWN
        and b"\0" not in data
    ):
        text = data.decode("utf-8", "replace")
        snippet = f"printf %s {shlex.quote(text)} | ./after"
    made = "" if known.case.source == "cases" else f" (made from case {known.case.parent})"
    return Counterexample(
        input=known.index,
        call=known.case.shown or f"input {_short(data)}{made}",
        before=before,
        after=after,
        what=what,
        snippet=snippet,
        stage=known.case.source,
    )
