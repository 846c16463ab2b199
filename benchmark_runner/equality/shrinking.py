"""The smallest input found on which two versions differ, and Python to paste that shows it.

Each try is a pair of observed calls, original and candidate each in a worker of its own, which
have run nothing but tries. What a try must show is the same kind of difference: the same part of
the observation, with calls that end in the same way, so that a wrong value is not mistaken for the
text of a TypeError on an argument that no caller would give.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from analysis.progress import CancelToken
from benchmark_runner.equality.equivalence import Call, Difference, Refused, compare, raised
from benchmark_runner.equality.simpler import simpler
from benchmark_runner.errors import CandidateFailed, InputsFailed, WorkerDied
from benchmark_runner.worker import harness
from benchmark_runner.worker.crew import Crew
from benchmark_runner.worker.observations import Extra, Given, Observation, WorkerSpec
from benchmark_runner.worker.supervisor import Worker

BUDGET_S = 2.5
"""Wall seconds, from the start of the two workers."""
_CALL_S = 2.0
_TOGETHER = 12
"""Tries that are sent at once."""
_MOST_TRIES = 600


@dataclass(frozen=True)
class Shrunk:
    """The smallest failing input: the call as text, how the versions differ on it.

    `args` and `kwargs` are values where all are of builtin types; else `replaced` holds those
    arguments of the given input that were made simpler. `kind` is the original's kind of outcome.
    """

    call: str
    difference: Difference
    kind: str
    args: tuple[Any, ...] | None
    kwargs: dict[str, Any] | None
    replaced: dict[int | str, Any] | None
    tries: int


@dataclass(frozen=True)
class _Form:
    """How a flat tuple of values stands for a call: whole, or some arguments of a given one."""

    seed: int | None
    places: tuple[int | str, ...]

    def extra(self, values: Sequence[Any]) -> Extra:
        named = dict(zip(self.places, values, strict=True))
        if self.seed is not None:
            return Extra("shrunk", harness.encode(named), self.seed)
        return Extra("shrunk", harness.encode(self.call(values)))

    def call(self, values: Sequence[Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        pairs = list(zip(self.places, values, strict=True))
        args = tuple(value for place, value in pairs if isinstance(place, int))
        return args, {place: value for place, value in pairs if isinstance(place, str)}


def _form(given: Given) -> tuple[_Form, tuple[Any, ...]]:
    """The form of an input and its values. Raises ValueError for malformed bytes."""
    if given.whole is not None:
        args, kwargs = harness.decode_plain(given.whole)
        places = (*range(len(args)), *kwargs)
        return _Form(None, places), (*args, *kwargs.values())
    parts = dict(given.parts)
    values = tuple(harness.decode_plain(data) for data in parts.values())
    return _Form(given.index, tuple(parts)), values


class _Pair:
    """The two workers, and what a try must show."""

    def __init__(
        self, before: Worker, after: Worker, first: Difference, rounding: float | None
    ) -> None:
        self.before, self.after, self.first, self.rounding = before, after, first, rounding
        self.mode = first.call[1]
        self.wanted: tuple[object, ...] | None = None
        self.kind = "plain"

    def differ(self, index: int) -> Difference | None:
        """The difference on one input of both workers, if it is of the wanted kind."""
        call: Call = (index, self.mode)
        ours, theirs = (w.observe(index, mode=self.mode) for w in (self.before, self.after))
        found = compare(call, ours, theirs, self.rounding)
        if found is None or (found.rounding and self.rounding is not None):
            return None
        shown = self._kind(found, ours, theirs)
        if self.wanted is None:
            if found.part != self.first.part:
                return None
            self.wanted = shown
        if shown != self.wanted:
            return None
        self.kind = ours.kind
        return found

    @staticmethod
    def _kind(found: Difference, ours: Observation, theirs: Observation) -> tuple[object, ...]:
        return found.part, ours.kind, theirs.kind, raised(ours), raised(theirs)


def shrink(
    crew: Crew,
    before: WorkerSpec,
    after: WorkerSpec,
    first: Difference,
    call: str,
    rounding: float | None,
) -> Shrunk | None:
    """Shrink the input of a difference. None where it does not show in fresh processes.

    Raises Cancelled. Whatever else goes wrong ends the search with what was found so far.
    """
    until = time.perf_counter() + BUDGET_S
    specs = [replace(s, limits=replace(s.limits, call_s=_CALL_S)) for s in (before, after)]

    def search() -> Shrunk | None:
        ours, theirs = (crew.start(spec) for spec in specs)
        for worker in (ours, theirs):
            worker.load()
            worker.make_inputs()
        return _search(_Pair(ours, theirs, first, rounding), call, until)

    try:
        [found] = crew.together([search])
    except (CandidateFailed, InputsFailed, WorkerDied, Refused, ValueError):
        return None
    return found


def _search(pair: _Pair, call: str, until: float) -> Shrunk | None:
    index = pair.first.call[0]
    [given] = pair.before.values([index])
    found = pair.differ(index)
    if found is None:
        return None
    form, values = _form(given)
    tries = 1
    best = found
    try:
        while time.perf_counter() < until and tries < _MOST_TRIES:
            smaller = _smaller(pair, form, values, until)
            if smaller is None:
                break
            values, best, call, made = smaller
            tries += made
    except (InputsFailed, WorkerDied, Refused, RecursionError):
        pass  # what was found so far stands
    whole = form.seed is None
    args, kwargs = form.call(values) if whole else (None, None)
    replaced = None if whole else dict(zip(form.places, values, strict=True))
    return Shrunk(call, best, pair.kind, args, kwargs, replaced, tries)


def _smaller(
    pair: _Pair, form: _Form, values: tuple[Any, ...], until: float
) -> tuple[tuple[Any, ...], Difference, str, int] | None:
    """The first simpler input that still fails; None when there is none, or no time."""
    made = 0
    for some in _groups(simpler(values)):
        if time.perf_counter() > until:
            return None
        extras = [form.extra(one) for one in some]
        infos = [worker.add_inputs(extras) for worker in (pair.before, pair.after)]
        for one, ours, theirs in zip(some, *infos, strict=True):
            made += 1
            if ours.digest != theirs.digest or ours.index != theirs.index:
                raise Refused("the inputs are other values")
            found = pair.differ(ours.index)
            if found is not None:
                return one, found, ours.call, made
            if time.perf_counter() > until:
                return None
    return None


def _groups(values: Iterator[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    """A few at a time, first fewer, then more: the boldest are often enough."""
    size = 3
    while some := list(islice(values, size)):
        yield some
        size = _TOGETHER


PlainCall = tuple[tuple[Any, ...], dict[str, Any]]


def plain_calls(
    cancel: CancelToken, spec: WorkerSpec, order: Sequence[int]
) -> tuple[PlainCall, ...] | None:
    """The arguments of some inputs, None where one is not of builtin types only."""

    def ask(crew: Crew) -> tuple[Given, ...]:
        worker = crew.start(spec)
        worker.load()
        worker.make_inputs()
        return worker.values(list(order))

    try:
        with Crew(cancel) as crew:
            [given] = crew.together([lambda: ask(crew)])
        found = []
        for one in given:
            form, values = _form(one)
            if form.seed is not None:
                return None
            found.append(form.call(values))
    except (CandidateFailed, InputsFailed, WorkerDied, ValueError):
        return None
    return tuple(found)
