"""Texts of one file put before the bench: what a search and a ladder ask of it."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from analysis.edits import Origin
from analysis.errors import HastenError
from benchmark_runner.bench import Believer, Sampler
from benchmark_runner.errors import CandidateFailed
from benchmark_runner.executors.remote import RemoteBench
from benchmark_runner.receipt import Measurement, Receipt, Verdict
from benchmark_runner.workload import Version
from optimizer.protocols import Candidate, Evaluation, Node, Stage

if TYPE_CHECKING:
    from benchmark_runner.bench import Bench


class Prover(Protocol):
    """Judges texts of one file against the original text of one function."""

    def check(self, after: str, origin: Origin) -> Verdict:
        """Equivalence with the original only."""

    def measure(self, before: str, after: str) -> Measurement:
        """How much faster `after` is than `before`, at the fidelity of a search."""

    def prove(self, after: str, origin: Origin, before: str | None = None) -> Receipt:
        """All stages; timed against `before` or the original, equal to the original always."""


class BenchProver:
    """A Prover over a bench; `base` are the other files that are not as on disk."""

    def __init__(self, bench: Bench, path: Path, base: Sequence[tuple[str, str]] = ()) -> None:
        self._bench, self._path = bench, path
        self._base = {Path(p): t for p, t in base}

    def _version(self, text: str) -> Version:
        return Version.of({**self._base, self._path: text})

    def expect(self, afters: Sequence[tuple[str, Origin]], before: str) -> None:
        """These texts are evaluated next: a bench with several hosts does so at once."""
        if isinstance(self._bench, RemoteBench):
            versions = [(self._version(text), origin) for text, origin in afters]
            self._bench.expect(versions, self._version(before))

    def check(self, after: str, origin: Origin) -> Verdict:
        """See Prover."""
        return self._bench.check(self._version(after), origin)

    def measure(self, before: str, after: str) -> Measurement:
        """See Prover."""
        return self._bench.measure(self._version(before), self._version(after))

    def prove(self, after: str, origin: Origin, before: str | None = None) -> Receipt:
        """See Prover."""
        base = None if before is None else self._version(before)
        return self._bench.prove(self._version(after), origin=origin, before=base)

    def belief(self, after: str) -> float:
        """B4's score of a text that was checked, where a model wrote the tests; else 0."""
        return (
            self._bench.belief(self._version(after)) if isinstance(self._bench, Believer) else 0.0
        )

    def sample(self, before: str, after: str, first: int, count: int, share: float) -> list[float]:
        """Log-ratios at a fidelity of halving; none where the candidate failed, or where this kind
        of bench has no fidelities.
        """
        if not isinstance(self._bench, Sampler):
            return []
        versions = self._version(before), self._version(after)
        try:
            return self._bench.sample(*versions, first=first, count=count, share=share)
        except (CandidateFailed, ValueError):
            return []


def why_different(verdict: Verdict) -> str | None:
    """Why a verdict refuses, in words, or None when it does not."""
    if verdict.refused:
        return verdict.refused
    if verdict.equality is not None:
        return None
    found = verdict.counterexample
    if found is None:
        return "it does not do the same"
    return f"{found.what} differs for {found.call}: {found.before} before, {found.after} after"


class ProverEvaluator:
    """Equivalence with the original, then time against the parent (accepted if surely faster)."""

    def __init__(self, prover: Prover) -> None:
        self._prover = prover

    def expect(self, candidates: Sequence[Candidate], parent: Node) -> None:
        """These candidates are evaluated next, in this order or fewer of them."""
        if isinstance(self._prover, BenchProver):
            texts = [(c.source, c.origin) for c in candidates]
            self._prover.expect(texts, parent.candidate.source)

    def evaluate(self, candidate: Candidate, parent: Node) -> Evaluation:
        """The candidate's `utility` adds the log of its step to the parent's."""
        started = time.monotonic()

        def failed(stage: Stage, why: str) -> Evaluation:
            return Evaluation(stage, False, why, seconds=time.monotonic() - started)

        try:
            verdict = self._prover.check(candidate.source, candidate.origin)
        except CandidateFailed as error:
            return failed("equivalence", error.message)
        except HastenError as error:
            return failed("internal", error.message)  # a disk, a host: not the candidate's fault
        if (why := why_different(verdict)) is not None:
            return failed("equivalence" if verdict.tried else "internal", why)
        try:
            found = self._prover.measure(parent.candidate.source, candidate.source)
        except CandidateFailed as error:
            return failed("timing", error.message)
        except HastenError as error:
            return failed("internal", error.message)
        good = found.accepted and found.ratio > 1.0
        return Evaluation(
            "timing",
            good,
            None if good else found.reason or f"{found.ratio:.2f} times as fast is not faster",
            parent.utility + math.log(found.ratio) if found.ratio > 0 else float("-inf"),
            found.ratio,
            found.interval,
            time.monotonic() - started,
        )
