"""Several suggestions as they would be applied one after another, proved together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from analysis.errors import HastenError
from analysis.progress import CancelToken, Progress
from analysis.relocate import relocate
from analysis.text import apply_changes
from benchmark_runner.bench import Bench
from benchmark_runner.workload import Origin, Version
from optimizer.ladder import why_refused
from optimizer.proving import why_different
from optimizer.suggestion import Rejection, Suggestion

Texts = dict[str, str]
_PLAIN = 1.5
"""A gain from which one or two pairs of processes tell that it is still there."""


@dataclass
class Combination:
    """What stays when all is applied. `texts` are the files after it, `originals` before it."""

    suggestions: list[Suggestion]
    originals: Texts
    texts: Texts
    rejected: list[Rejection] = field(default_factory=list)

    @property
    def before(self) -> Version:
        """The involved files as they were."""
        return _version(self.originals)

    @property
    def after(self) -> Version:
        """The involved files with every suggestion applied."""
        return _version(self.texts)


def _version(texts: Mapping[str, str]) -> Version:
    return Version.of({Path(p): t for p, t in texts.items()})


def merge(suggestions: Sequence[Suggestion], originals: Mapping[str, str]) -> Combination:
    """Apply the suggestions in order, as `hasten apply` does; one that clashes is left out."""
    made = Combination([], {}, {})
    for suggestion in suggestions:
        path = suggestion.path
        original = made.originals.setdefault(path, originals[path])
        text = made.texts.setdefault(path, original)
        changes = relocate(original, text, path, suggestion.function, suggestion.replacements)
        if changes is None:
            made.rejected.append(
                _refusal(suggestion, "its lines clash with those of another suggestion")
            )
            continue
        made.texts[path] = apply_changes(text, changes)
        made.suggestions.append(suggestion)
    return made


def _refusal(suggestion: Suggestion, reason: str) -> Rejection:
    return Rejection(suggestion.path, suggestion.function, suggestion.title, "combination", reason)


Judge = Callable[[Suggestion, "Combination"], "str | None"]
"""Why one member is not right or not faster in a combination, or None."""


def prove_together(
    suggestions: Sequence[Suggestion],
    originals: Mapping[str, str],
    judge: Judge,
    progress: Progress,
    cancel: CancelToken,
) -> Combination:
    """The largest combination found in which every member is still right and faster.

    A member that breaks, or is no longer faster, is left out and the rest is proved again.
    """
    rejected: list[Rejection] = []
    kept = list(suggestions)
    while True:
        made = merge(kept, originals)
        rejected += made.rejected
        made.rejected = rejected
        kept = made.suggestions
        if len(kept) < 2:  # alone it was proved already
            return made
        for n, suggestion in enumerate(kept):
            cancel.check()
            progress(f"{suggestion.function}: proving all edits together", n / len(kept))
            reason = judge(suggestion, made)
            if reason is not None:
                rejected.append(_refusal(suggestion, f"with the other edits: {reason}"))
                kept = [s for s in kept if s is not suggestion]
                break
        else:
            return made


@dataclass(frozen=True)
class BenchJudge:
    """Proves one member's function with the files of the whole combination."""

    benches: Mapping[str, Bench]
    """By the suggestion's id; their originals have been run."""
    base: Sequence[tuple[str, str]] = ()
    whole: frozenset[str] = frozenset()
    """Ids whose bench times more than their function (a program, a project's benchmark): there the
    other members' gain would hide that this one gains nothing."""

    def __call__(self, suggestion: Suggestion, made: Combination) -> str | None:
        """See Judge."""
        from_model = any(r.origin.startswith("model:") for s in made.suggestions for r in s.edits)
        origin: Origin = "model" if from_model else "rule"
        after = _version({**dict(self.base), **made.texts})
        bench = self.benches[suggestion.id]
        try:
            different = why_different(bench.check(after, origin))
            if different is not None:
                return different
            before = self._without(suggestion, made, bench)
            if why_different(bench.check(before, origin)) is not None:
                before = bench.before
            if suggestion.ratio >= _PLAIN and bench.measure(before, after).interval[0] > 1.0:
                return None  # a gain that was proved alone shows at a glance here too
            receipt = bench.prove(after, origin=origin, before=before)
        except HastenError as error:
            return error.message
        return None if receipt.decision == "faster" else why_refused(receipt)[1]

    def _without(self, suggestion: Suggestion, made: Combination, bench: Bench) -> Version:
        """What the member is timed against: the original, or the combination without it."""
        if suggestion.id not in self.whole:
            return bench.before
        rest = merge([s for s in made.suggestions if s is not suggestion], made.originals)
        return _version({**dict(self.base), **made.originals, **rest.texts})
