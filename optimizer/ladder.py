"""From a path of edits to a ladder: the fewest atomic edits that hold the gain, each proved.

A whole-function answer is split by syntax, parts whose absence costs nothing are dropped, and each
rung is proved from the text after the previous one; equality always holds against the original.
AEGIS (arXiv 2501.18916) keeps a decomposition only if every prefix is right and not slower.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from analysis.decompose import decompose
from analysis.edits import AtomicEdit, Origin
from analysis.errors import HastenError
from analysis.progress import CancelToken, Progress, silent
from analysis.text import to_replacements
from benchmark_runner.receipt import Decision, Equality, Receipt
from optimizer.describe import describe
from optimizer.proving import Prover, why_different
from optimizer.steps import alone, merged, texts, without
from optimizer.suggestion import Rung
from optimizer.words import ratio_words

MAX_RUNGS = 6
MAX_PARTS = 12


@dataclass(frozen=True)
class Ladder:
    """Proved rungs. `receipt` is of `text` against the original, as a whole."""

    rungs: tuple[Rung, ...]
    text: str
    receipt: Receipt
    ratio: float
    interval: tuple[float, float]
    equality: Equality


@dataclass(frozen=True)
class Refused:
    """Why no ladder could be proved; `decision` is that of the last proof, None for none."""

    stage: str
    reason: str
    decision: Decision | None = None


@dataclass(frozen=True)
class _Step:
    """A proved rung in the making: edits `first` to `last` of the list, and its receipt."""

    first: int
    last: int
    receipt: Receipt


class LadderBuilder:
    """Builds the ladder of one function. `gate` says why a text may not be run, or None."""

    def __init__(
        self,
        prover: Prover,
        original: str,
        path: str,
        qualname: str,
        *,
        gate: Callable[[str], str | None],
        progress: Progress = silent,
        cancel: CancelToken | None = None,
    ) -> None:
        self._prover, self._original = prover, original
        self._path, self._qualname = path, qualname
        self._gate, self._progress = gate, progress
        self._cancel = cancel or CancelToken()
        self._answers: dict[str, tuple[str, int]] = {}  # by description: title, number of parts

    def build(self, edits: Sequence[AtomicEdit]) -> Ladder | Refused:
        """The ladder of a path of edits, or why there is none. Raises Cancelled."""
        origin: Origin = "model" if any(e.origin == "model" for e in edits) else "rule"
        parts = self._split(edits)
        if origin == "model" and len(parts) > 1:
            parts = self._prune(parts, origin)
        steps, last = self._climb(parts, origin)
        while steps:
            whole = self._whole(parts, steps, origin)
            ratio, interval, equality = whole.ratio, whole.interval, whole.equality
            if whole.decision == "faster" and ratio and interval and equality:
                rungs = self._rungs(parts, steps, origin)
                text = texts(self._original, parts[: steps[-1].last + 1])[-1]
                return Ladder(rungs, text, whole, ratio, interval, equality)
            last = whole
            steps.pop()
        if last is None:
            return Refused("search", "there is nothing left to prove")
        return Refused(*why_refused(last), last.decision)

    def _split(self, edits: Sequence[AtomicEdit]) -> tuple[AtomicEdit, ...]:
        """Whole-function answers as their atomic parts; rules are atomic as they are."""
        parts: list[AtomicEdit] = []
        text = self._original
        for edit in edits:
            after = edit.apply(text)
            groups = (
                decompose(text, after, self._qualname, self._path) if edit.origin == "model" else ()
            )
            if len(groups) == 1:  # the same change without the lines that stay as they are
                parts.append(replace(edit, changes=tuple(groups[0])))
            elif not 1 < len(groups) <= MAX_PARTS:
                parts.append(edit)
            else:
                at = text
                self._answers[edit.description] = (edit.title, len(groups))
                for number, group in enumerate(groups, 1):
                    part = replace(edit, changes=tuple(group))
                    then = part.apply(at)
                    title = describe(at, then, self._path, self._qualname)
                    named = title or f"{edit.title} (part {number})"
                    parts.append(replace(part, title=named))
                    at = then
            text = after
        return tuple(parts)

    def _prune(self, parts: tuple[AtomicEdit, ...], origin: Origin) -> tuple[AtomicEdit, ...]:
        """Leave out, one by one from the last, what costs no time to leave out."""
        index = len(parts) - 1
        while index >= 0 and len(parts) > 1:
            self._cancel.check()
            self._progress(f"is it needed: {parts[index].title}", None)
            fewer = without(parts, index)
            if fewer is not None and not self._is_needed(parts, fewer, origin):
                parts = fewer
            index -= 1
        return parts

    def _is_needed(
        self, parts: Sequence[AtomicEdit], fewer: Sequence[AtomicEdit], origin: Origin
    ) -> bool:
        full, reduced = (texts(self._original, p)[-1] for p in (parts, fewer))
        if reduced == full:
            return False
        if reduced == self._original or self._gate(reduced) is not None:
            return True
        try:
            if why_different(self._prover.check(reduced, origin)) is not None:
                return True
            return self._prover.measure(reduced, full).accepted
        except HastenError:
            return True

    def _climb(
        self, parts: Sequence[AtomicEdit], origin: Origin
    ) -> tuple[list[_Step], Receipt | None]:
        """Rungs from the first part on; a part that is no gain by itself waits for the next."""
        at = texts(self._original, parts)
        steps: list[_Step] = []
        refused: Receipt | None = None
        first = 0
        for index in range(len(parts)):
            self._cancel.check()
            is_last = index == len(parts) - 1
            if len(steps) == MAX_RUNGS - 1 and not is_last:
                continue  # the rest goes into the last rung
            if not is_last and self._gate(at[index + 1]) is not None:
                continue
            self._progress(f"proving: {parts[index].title}", None)
            before = at[first] if steps else None
            receipt = self._prover.prove(at[index + 1], origin, before)
            if receipt.decision == "faster":
                steps.append(_Step(first, index, receipt))
                first = index + 1
            else:
                refused = receipt
        return steps, refused

    def _whole(
        self, parts: Sequence[AtomicEdit], steps: Sequence[_Step], origin: Origin
    ) -> Receipt:
        """The proof of the original against the last rung."""
        if len(steps) == 1:
            return steps[0].receipt
        self._cancel.check()
        self._progress("proving all of it together", None)
        text = texts(self._original, parts[: steps[-1].last + 1])[-1]
        return self._prover.prove(text, origin)

    def _rungs(
        self, parts: Sequence[AtomicEdit], steps: Sequence[_Step], origin: Origin
    ) -> tuple[Rung, ...]:
        at = texts(self._original, parts)
        rungs: list[Rung] = []
        for step in steps:
            before = at[step.first]
            edit = merged(before, parts[step.first : step.last + 1])
            if edit.origin == "model":
                edit = replace(edit, title=self._title(parts, step, steps[-1].last))
            receipt = step.receipt
            assert receipt.ratio is not None and receipt.interval is not None
            rungs.append(
                Rung(
                    edit.title, edit.description, to_replacements(before, edit.changes),
                    self._stands_alone(parts, step, origin), receipt.ratio, receipt.interval,
                    receipt, edit.source if edit.origin == "rule" else f"model:{edit.source}",
                )
            )  # fmt: skip
        return tuple(rungs)

    def _title(self, parts: Sequence[AtomicEdit], step: _Step, upto: int) -> str:
        """The answer's own words for a rung that is all that is left of it, else what its syntax
        shows; `upto` is the last part of the last rung."""
        mine = {part.description for part in parts[step.first : step.last + 1]}
        others = {p.description for p in (*parts[: step.first], *parts[step.last + 1 : upto + 1])}
        whole, count = self._answers.get(parts[step.first].description, ("", 0))
        if count == step.last - step.first + 1 and len(mine) == 1:
            return whole
        at = texts(self._original, parts)
        shown = describe(at[step.first], at[step.last + 1], self._path, self._qualname)
        if shown is not None and whole:
            return shown
        return whole if whole and len(mine) == 1 and not mine & others else parts[step.first].title

    def _stands_alone(self, parts: Sequence[AtomicEdit], step: _Step, origin: Origin) -> bool:
        """Whether the rung applies to the original by itself and is proved so."""
        if step.first == 0:
            return True
        self._cancel.check()
        moved = alone(parts, step.first, step.last)
        if moved is None:
            return False
        text = texts(self._original, moved)[-1]
        if self._gate(text) is not None:
            return False
        self._progress(f"does it stand alone: {parts[step.last].title}", None)
        return self._prover.prove(text, origin).decision == "faster"


def why_refused(receipt: Receipt) -> tuple[str, str]:
    """The stage that refused and its reason, from a receipt."""
    for stage in receipt.stages:
        if not stage.ok:
            return stage.name, stage.reason or receipt.reason
    return "timing" if receipt.equality else "equivalence", receipt.reason


def title_of(ladder: Ladder) -> str:
    """ "3.1× faster: test membership in a set", with the rung that gains most in front."""
    best = max(ladder.rungs, key=lambda rung: rung.ratio)
    more = len(ladder.rungs) - 1
    rest = f" and {more} more edit{'s' if more > 1 else ''}" if more else ""
    return f"{ratio_words(ladder.ratio)} faster: {best.title}{rest}"
