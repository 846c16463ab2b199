"""A gain must also show where nothing can be prepared, put off or made up.

A process that has only imported a version gets all inputs and is asked for all answers in one
request: what it has used up of the CPU when the last answer is there, by the kernel's account,
holds all of its work. A candidate may have found a way to look faster in the timed windows (work
done before or after them, answers remembered in a place where nobody looks, digests made up): here
it must do the work, or lack the right answers. What this can't tell is a gain of less than half a
millisecond over all timed inputs together.
"""

from __future__ import annotations

import functools
import math
import random
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from analysis.progress import CancelToken
from benchmark_runner.equality.equivalence import HASH_SEEDS
from benchmark_runner.errors import CandidateFailed, InputsFailed, WorkerDied
from benchmark_runner.measuring.quiet import quietest
from benchmark_runner.measuring.statistics import Estimate, estimate
from benchmark_runner.receipt import Clock
from benchmark_runner.worker.crew import Crew
from benchmark_runner.worker.observations import Sealed, WorkerSpec
from benchmark_runner.worker.supervisor import Worker

_LEAST_S: dict[Clock, float] = {"cpu": 0.5e-3, "wall": 30e-3}
"""Seconds that all inputs' gain must amount to, for a few processes to show it."""
_MOST_S = 0.5
_MOST_OF_TWO_S = 2.0
"""CPU seconds that the calls of one process may take; of two where fewer would be left."""
_SHARE = 0.5
"""Share of the promised gain that must show."""
_CLEAR = 0.3
"""Share of the promised gain that the lower bound must pass, to be done early."""
_PAIRS = (3, 6, 10, 16, 24, 36, 48, 72)
"""After so many pairs of processes it is looked whether the gain shows; after the last, judged."""
_USUAL_PAIRS = 24
"""More pairs than these are only asked of calls that take so little that nobody waits for it."""
_MOST_FOR_MORE_S = 20.0
"""Seconds that the calls of all pairs may take where there are more than the usual ones."""
_LEAST, _LEAST_WHEN_DISTURBED = 6, 10
"""Pairs to look at; the more where they differ by more than `_DISTURBED` times what is usual."""
_DISTURBED = 2.5
_DISTURBS = 1.6
"""Times that a process takes beside another one on the same core, at most: fewer pairs are only
enough where the original takes longer than that, since it may have been disturbed in each."""
_SHOWS, _REFUSES, _AT_LAST, _AGREES = 0.001, 0.99, 0.02, 0.8
"""Bounds: the gain shows; less than the share shows; it is more than none, after the last pair; and
what the one estimate says is not ruled out by the other.

Simulated (200 proofs each) with processes of which 10 to 80 % are undisturbed and the others take
half as long again, gains from an eighth: 99 to 100 % of true gains are seen, and of made-up ones at
the most 0.5 % (8 % by the mean of up to 24 pairs alone)."""
_PLAIN = 10.0
"""A gain of so many spreads is plain in one pair under each hash seed."""
_SPREAD_S: dict[Clock, float] = {"cpu": 0.2e-3, "wall": 5e-3}
_SPREAD = 0.04
"""Spread of what a pair saves, of identical code on a loaded machine: seconds for all that a
process does besides the calls (measured: 0.1 to 0.3 ms of CPU), and a share of the calls (4 to 7 %
of calls of 60 ms beside two to five busy processes)."""


@dataclass(frozen=True)
class Asked:
    """Which inputs are asked for, in seconds per call of both versions as they were timed.

    `clock` is the one by which they were: the worker's CPU clock, or wall time. `sure` is the
    share of that gain which the lower bound of the measurement promises: what is refused is a
    promise that isn't kept, not an estimate that was a little too good.
    """

    before_s: Mapping[int, float]
    after_s: Mapping[int, float]
    clock: Clock = "cpu"
    sure: float = 1.0

    def gain_s(self, order: Sequence[int]) -> float:
        """Seconds that the candidate should save on these inputs."""
        return math.fsum(self.before_s[i] - self.after_s[i] for i in order)

    def spread_s(self, order: Sequence[int]) -> float:
        """Seconds by which a pair that is asked for these inputs differs from the next."""
        return _SPREAD_S[self.clock] + _SPREAD * math.fsum(self.before_s[i] for i in order)

    def looks(self, order: Sequence[int]) -> list[int]:
        """After how many pairs that are asked for these inputs it is looked."""
        pair_s = math.fsum(self.before_s[i] + self.after_s[i] for i in order)
        return [n for n in _PAIRS if n <= _USUAL_PAIRS or n * pair_s <= _MOST_FOR_MORE_S]

    def affordable(self) -> list[int]:
        """The inputs, as many as one process may be asked for, the largest gains first.

        Two at least, if they don't take too long: what is done once a process shows only then.
        """
        chosen: list[int] = []
        spent_s = 0.0
        for index in sorted(self.before_s, key=lambda i: self.after_s[i] - self.before_s[i]):
            spent_s += self.before_s[index]
            if chosen and spent_s > (_MOST_S if len(chosen) > 1 else _MOST_OF_TWO_S):
                break
            chosen.append(index)
        return chosen


SpecOf = Callable[[int], tuple[WorkerSpec, WorkerSpec]]
"""The workers of both versions, the base's first, under a hash seed."""


@dataclass
class Sealing:
    """How to start both versions, and what their answers must be, by hash seed.

    `libraries` are those that the inputs and the original's calls load, as far as known.
    """

    specs: SpecOf
    expected: tuple[Mapping[int, Mapping[int, bytes]], Mapping[int, Mapping[int, bytes]]]
    copied: tuple[str, ...]
    cancel: CancelToken
    libraries: tuple[str, ...] = ()

    def pair_s(
        self, order: Sequence[int], turn: int, clock: Clock = "cpu", fixed: int = 0
    ) -> tuple[float, float]:
        """Seconds that the original and the candidate use in one pair of fresh processes.

        The inputs are asked for in any order after the first `fixed` ones. Raises CandidateFailed
        when a version fails or answers otherwise.
        """
        seed = HASH_SEEDS[turn % len(HASH_SEEDS)]
        rest = list(order[fixed:])
        random.SystemRandom().shuffle(rest)
        mixed = [*order[:fixed], *rest]
        with Crew(self.cancel) as crew:
            jobs = [functools.partial(self._ready, crew, spec) for spec in self.specs(seed)]
            workers = crew.together(jobs)
            used = [0.0, 0.0]
            for side in (0, 1) if turn % 2 == 0 else (1, 0):
                ask = functools.partial(self._ask, workers[side], mixed)
                [told] = crew.together([ask])
                known = self.expected[side].get(seed, {})
                for index, digest in zip(mixed, told.digests, strict=True):
                    if known.get(index, digest) != digest:
                        raise CandidateFailed(
                            "sealed", f"another answer in a fresh process (input {index})"
                        )
                used[side] = told.wall_s if clock == "wall" else told.cpu_s
                if side == 0:  # the original's word
                    self.libraries = tuple(dict.fromkeys((*self.libraries, *told.modules)))
        return used[0], used[1]

    def rehearse(self, order: Sequence[int]) -> None:
        """Learn from the original which libraries are loaded on the way. Raises CandidateFailed."""
        with Crew(self.cancel) as crew:
            own, _ = self.specs(HASH_SEEDS[0])
            [worker] = crew.together([functools.partial(self._ready, crew, own)])
            [told] = crew.together([functools.partial(self._ask, worker, order)])
        self.libraries = tuple(dict.fromkeys((*self.libraries, *told.modules)))

    def _ready(self, crew: Crew, spec: WorkerSpec) -> Worker:
        try:
            worker = crew.start(spec)
            worker.load(self.libraries)
        except WorkerDied as error:
            raise CandidateFailed("sealed", error.message) from None
        return worker

    def _ask(self, worker: Worker, order: Sequence[int]) -> Sealed:
        try:
            return worker.sealed(order, self.copied)
        except (WorkerDied, InputsFailed) as error:
            raise CandidateFailed("sealed", error.message) from None


def gain_not_shown(sealing: Sealing, asked: Asked) -> str | None:
    """Why the gain that was timed is none, or None. Raises CandidateFailed, Cancelled.

    What a version does once per process (an import inside of the function, a table it builds) does
    not count against it: where the gain does not show, that much is measured on one input.
    """
    order = asked.affordable()
    gain, spread = asked.gain_s(order), asked.spread_s(order)
    if gain < _LEAST_S[asked.clock]:
        return None
    promised = gain * asked.sure
    sealing.rehearse(order)
    rows: list[tuple[float, float]] = []
    looks = asked.looks(order)
    for most in (len(HASH_SEEDS), *looks) if gain >= _PLAIN * spread else looks:
        rows += [sealing.pair_s(order, turn, asked.clock) for turn in range(len(rows), most)]
        now = _Judged.of(rows, (1, -1), spread)
        few = most < _LEAST and any(used < _DISTURBS * left for used, left in rows)
        if few or now.early:
            continue
        if now.shows(_SHARE * promised, _CLEAR * promised, _SHOWS):
            return None
        if most >= _LEAST and now.best.bound(_REFUSES) < _SHARE * promised:
            break
    else:
        if now.shows(_SHARE * promised, 0.0, _AT_LAST):
            return None
    if _shows_after_the_first(sealing, asked, order, len(rows)):
        return None
    return (
        "the gain does not show where it can't be prepared: asked for "
        f"{len(order)} inputs in a fresh process, it saves {_ms(now.best.mean)}, "
        f"the timed calls promised {_ms(gain)}"
    )


@dataclass(frozen=True)
class _Judged:
    """What pairs of processes save: the estimate with the smaller error, and the other one.

    One is the mean, the other is that of the undisturbed processes; where no more than usual
    disturbs them, the mean alone. `early`: too few pairs, so much disturbed, to say anything.
    """

    best: Estimate
    other: Estimate | None = None
    early: bool = False

    @classmethod
    def of(
        cls, rows: Sequence[tuple[float, ...]], signs: Sequence[int], spread_s: float
    ) -> _Judged:
        """Of rows of seconds, each of which counts by its sign."""
        saved = [
            math.fsum(sign * one for sign, one in zip(signs, row, strict=True)) for row in rows
        ]
        mean = estimate(saved, prior_sd=spread_s)
        if statistics.stdev(saved) <= _DISTURBED * spread_s:
            return cls(mean)
        if len(rows) < _LEAST_WHEN_DISTURBED:
            return cls(mean, early=True)
        best, other = sorted((mean, quietest(rows, signs, spread_s)), key=lambda one: one.error)
        return cls(best, other)

    def shows(self, least: float, clear: float, p: float) -> bool:
        """Whether it is `least` or more, and its bound of `p` above `clear`."""
        if self.other is not None and self.other.bound(_AGREES) < least:
            return False
        return self.best.mean >= least and self.best.bound(p) > clear


def _shows_after_the_first(
    sealing: Sealing, asked: Asked, order: Sequence[int], pairs: int
) -> bool:
    """Whether the gain is there but for what the first call in a process costs once.

    That is measured on the input of the smallest gain, which is the first one in either process:
    what is wasted there to look better afterwards is wasted in both.
    """
    *others, first = order
    rest = asked.gain_s(others)
    if rest < _LEAST_S[asked.clock]:
        return False
    enough = min(max(pairs, _LEAST_WHEN_DISTURBED), _USUAL_PAIRS)
    rows = [
        (
            *sealing.pair_s([first, *others], turn, asked.clock, fixed=1),
            *sealing.pair_s([first], turn, asked.clock),
        )
        for turn in range(enough)
    ]
    now = _Judged.of(rows, (1, -1, -1, 1), asked.spread_s(order))
    return now.shows(_SHARE * asked.sure * rest, 0.0, _AT_LAST)


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:.2f} ms"
