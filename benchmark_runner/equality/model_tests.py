"""Tests that a model wrote: which versions pass which, and what B4 makes of it.

A model's expectation is no oracle: equality with the original is what a version is judged by, as
always. The pass matrix says two things beside: whose side the tests are on when versions differ,
and whether they speak for the original at all.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from analysis.progress import CancelToken
from benchmark_runner.equality.b4 import Group, groups
from benchmark_runner.errors import CandidateFailed, WorkerDied, WorkloadError
from benchmark_runner.specs import Specs
from benchmark_runner.worker import harness
from benchmark_runner.worker.crew import Crew
from benchmark_runner.workload import ModelCall, Version

_CALL_S = 4.0
_MOST_VALUES = 200_000
_CLOSE = 1e-9


class ModelTests:
    """The pass matrix of the versions of one function; each version is run once."""

    def __init__(self, specs: Specs, calls: Sequence[ModelCall], cancel: CancelToken) -> None:
        self._specs, self._calls, self._cancel = specs, tuple(calls), cancel
        self._rows: dict[Version, tuple[bool, ...]] = {}

    def row(self, version: Version) -> tuple[bool, ...]:
        """Which of the tests a version passes; one that can't be run passes none of the rest."""
        if version not in self._rows:
            self._rows[version] = tuple(self._run(version))
        return self._rows[version]

    def _run(self, version: Version) -> list[bool]:
        calls = tuple(call.call for call in self._calls)
        found = [False] * len(calls)
        with Crew(self._cancel) as crew:
            try:
                worker = crew.start(self._specs.asked(version, calls, _CALL_S))
                worker.load()
                worker.make_inputs()
                for index, call in enumerate(self._calls):
                    self._cancel.check()
                    found[index] = passes(worker.observe(index, mode="light").payload, call)
            except (WorkerDied, CandidateFailed, WorkloadError):
                self._cancel.check()
        return found

    def _groups(self) -> tuple[tuple[Version, ...], tuple[Group, ...]]:
        versions = tuple(self._rows)
        return versions, groups([self._rows[version] for version in versions])

    def belief(self, version: Version) -> float:
        """B4's score of the version's group among all versions that were run (a log, any sign)."""
        self.row(version)
        versions, found = self._groups()
        number = versions.index(version)
        return next((g.score for g in found if number in g.codes), -math.inf)

    def note(self, before: Version, after: Version) -> str:
        """What a receipt says of it."""
        own, row = self.row(before), self.row(after)
        versions, found = self._groups()
        number = versions.index(after)
        place = next(i for i, group in enumerate(found, 1) if number in group.codes)
        told = (
            f"inputs written by a model: no run and no test of yours made these calls; chosen by "
            f"B4's score: it passes {sum(row)} of {len(row)} of the model's tests"
        )
        alike = "as the original does" if row == own else f"the original {sum(own)}"
        told = f"{told}, {alike}; group {place} of {len(found)} by the score"
        if place > 1:
            told += "; the model's tests speak for another behaviour than this one's"
        return told


def passes(payload: bytes, call: ModelCall) -> bool:
    """Whether an observed call returned what the model expected: the same types, floats close."""
    try:
        outcome = harness.decode_plain(payload, _MOST_VALUES)["outcome"]
        expected = harness.decode_plain(call.expected, _MOST_VALUES)
        return (
            isinstance(outcome, tuple)
            and len(outcome) == 2
            and outcome[0] == "return"
            and _alike(outcome[1], expected)
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        return False


def _alike(a: Any, b: Any) -> bool:
    if type(a) is not type(b):
        return False
    if type(a) is float:
        return math.isclose(a, b, rel_tol=_CLOSE, abs_tol=_CLOSE) or (a != a and b != b)
    if type(a) in (list, tuple):
        return len(a) == len(b) and all(map(_alike, a, b))
    if type(a) is dict:
        return a.keys() == b.keys() and all(_alike(a[key], b[key]) for key in a)
    return bool(a == b)
