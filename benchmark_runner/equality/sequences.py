"""Functions that keep state are compared as sequences of calls, each in a fresh process.

What such a function does depends on the calls before, so one order of the inputs says little: a
wrong entry in a table, a cache that is not emptied, a count that goes on from the wrong number
show in another order, or when a call is repeated. After each call the state that it changed is
part of the observation (mode "full").
"""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from analysis.progress import CancelToken
from benchmark_runner.equality.equivalence import Call, Difference, Refused, compare
from benchmark_runner.errors import CandidateFailed, InputsFailed, WorkerDied
from benchmark_runner.worker.crew import Crew
from benchmark_runner.worker.observations import InputInfo, Observation, WorkerSpec
from benchmark_runner.worker.supervisor import Worker

_MOST_CALLS = 24
_SECONDS = 1.5
"""CPU seconds of the original that one sequence may take."""


@dataclass(frozen=True)
class Track:
    """One sequence of inputs, called in this order in a fresh process, and what was seen."""

    order: tuple[int, ...]
    seen: tuple[Observation, ...]


def orders(inputs: Sequence[int], costs_s: Mapping[int, float]) -> tuple[tuple[int, ...], ...]:
    """The sequences to compare: from the last to the first, each twice; then mixed, with repeats.

    `inputs` in the order in which they were compared one by one. The same in every run.
    """
    chosen: list[int] = []
    left = _SECONDS / 2
    for index in inputs[: _MOST_CALLS // 2]:
        left -= costs_s.get(index, 0.0)
        if chosen and left < 0:
            break
        chosen.append(index)
    twice = tuple(index for index in reversed(chosen) for _ in range(2))
    mixed = [*chosen, *chosen]
    random.Random(len(chosen)).shuffle(mixed)
    return (twice, tuple(mixed)) if twice != tuple(mixed) else (twice,)


def keeps_state(remembers: frozenset[str]) -> bool:
    """Whether any of the state that calls change is the project's own."""
    return any(not name.startswith(("library ", "process ")) for name in remembers)


def follow(worker: Worker, infos: Sequence[InputInfo], order: Sequence[int]) -> list[Observation]:
    """Make the calls. Raises what a worker raises."""
    worker.load()
    made = worker.make_inputs()
    if [info.digest for info in made] != [info.digest for info in infos]:
        raise InputsFailed("made with this version they are other values")
    return [worker.observe(index, mode="full") for index in order]


def tracks(
    crew: Crew, spec: WorkerSpec, infos: Sequence[InputInfo], wanted: Sequence[tuple[int, ...]]
) -> tuple[tuple[Track, ...], Difference | None]:
    """What the original does on each sequence, and where two runs of it differ, if they do."""

    def run(order: tuple[int, ...]) -> Track:
        return Track(order, tuple(follow(crew.start(spec), infos, order)))

    runs = crew.together([functools.partial(run, order) for order in wanted for _ in range(2)])
    for one, other in zip(runs[::2], runs[1::2], strict=True):
        found = first_difference(one, other.seen, None)
        if found is not None:
            return (), found
    return tuple(runs[::2]), None


def first_difference(
    track: Track, seen: Sequence[Observation], rounding: float | None
) -> Difference | None:
    """Where a version's calls depart from the track, with the calls that led there."""
    for place, (before, after) in enumerate(zip(track.seen, seen, strict=True)):
        call: Call = (track.order[place], "full")
        found = compare(call, before, after, rounding)
        if found is not None and not (found.rounding and rounding is not None):
            return replace(found, sequence=track.order[: place + 1])
    return None


def differs(
    crew: Crew,
    spec: WorkerSpec,
    infos: Sequence[InputInfo],
    expected: Sequence[Track],
    rounding: float | None,
) -> Difference | None:
    """Where a candidate departs from the original in one of the sequences. Raises Refused."""

    def one(track: Track) -> Difference | None:
        try:
            return first_difference(track, follow(crew.start(spec), infos, track.order), rounding)
        except (CandidateFailed, InputsFailed, WorkerDied) as error:
            raise Refused(f"called in another order: {error.message}") from None

    found = crew.together([functools.partial(one, track) for track in expected])
    some = [difference for difference in found if difference is not None]
    return min(some, key=lambda difference: len(difference.sequence)) if some else None


def shortest(
    cancel: CancelToken,
    before: WorkerSpec,
    after: WorkerSpec,
    infos: Sequence[InputInfo],
    found: Difference,
    rounding: float | None,
    more_time: Callable[[], bool],
) -> Difference:
    """A shorter sequence that ends in the same kind of difference; each try in fresh processes."""

    def run(crew: Crew, spec: WorkerSpec, order: tuple[int, ...]) -> list[Observation]:
        return follow(crew.start(spec), infos, order)

    def tried(order: tuple[int, ...]) -> Difference | None:
        try:
            with Crew(cancel) as crew:
                jobs = [functools.partial(run, crew, spec, order) for spec in (before, after)]
                ours, theirs = crew.together(jobs)
        except (CandidateFailed, InputsFailed, WorkerDied):
            return None
        seen = first_difference(Track(order, tuple(ours)), theirs, rounding)
        return seen if seen is not None and seen.part == found.part else None

    best, size = found, 1
    while size < len(best.sequence) and more_time():
        shorter = tried(best.sequence[-size:])
        if shorter is not None:
            best = shorter
            break
        size *= 2
    place = 0
    while place < len(best.sequence) - 1 and more_time():
        shorter = tried(best.sequence[:place] + best.sequence[place + 1 :])
        if shorter is None:
            place += 1
        else:
            best = shorter
    return best
