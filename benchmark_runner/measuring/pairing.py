"""Fresh pairs of processes for the measurement: started side by side, timed, gone."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from analysis.progress import CancelToken
from benchmark_runner.equality.equivalence import HASH_SEEDS, Behaviour
from benchmark_runner.errors import CandidateFailed, WorkerDied, WorkloadError
from benchmark_runner.measuring.measurement import RunReplicate
from benchmark_runner.measuring.timing import Rates, Traits, WrongAnswer, run_pair
from benchmark_runner.measuring.windows import Account, PairRun
from benchmark_runner.worker.crew import Crew
from benchmark_runner.worker.supervisor import InputInfo, Observation, Worker, WorkerSpec
from benchmark_runner.workload import Version

Side = tuple[Version, tuple[Behaviour, ...]]
"""A version, and what it did under each hash seed when it was found equal to the original."""
SpecOf = Callable[[Version, int], WorkerSpec]
"""The worker of a version under a hash seed."""


class Scheduled:
    """A worker, and what the scheduler tells of it."""

    def __init__(self, worker: Worker) -> None:
        self.stage = worker.stage
        self.stage_each = worker.stage_each
        self.run = worker.run
        self.check = worker.check
        self.cpu_s = worker.cpu_s
        self._folder = f"/proc/{worker.pid}"

    def account(self) -> Account:
        """What the kernel tells of the worker and of this thread; zeros where it keeps none."""
        status = _read(f"{self._folder}/status")
        return Account(
            in_line_s=_in_line_s(f"{self._folder}/schedstat") + _in_line_s(_OWN_SCHEDSTAT),
            blocks=_field(status, b"voluntary_ctxt_switches:"),
            threads=max(1, _field(status, b"Threads:")),
        )


_OWN_SCHEDSTAT = "/proc/thread-self/schedstat"
"""How late this thread heard of an answer is no time of the worker's."""


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError:
        return b""


def _in_line_s(path: str) -> float:
    fields = _read(path).split()
    return int(fields[1]) / 1e9 if len(fields) == 3 else 0.0


def _field(status: bytes, name: bytes) -> int:
    """A number of /proc/PID/status; 0 where it is not there."""
    _, found, rest = status.partition(b"\n" + name)
    return int(rest.split(None, 1)[0]) if found else 0


def pair_runner(
    sides: Sequence[Side],
    spec_of: SpecOf,
    infos: Sequence[InputInfo],
    rates: Rates,
    cancel: CancelToken,
    unseen: Sequence[int] = (),
) -> RunReplicate:
    """How to time pair number n of the two versions; hash seeds take turns.

    `unseen` are inputs that are not timed: short calls of which first ones can be told together.

    What it returns raises CandidateFailed when a version dies or answers otherwise than when it
    was compared, and Cancelled.
    """
    traits = Traits(
        lazy=_inputs_where(sides, lambda seen: seen.lazy),
        drawing=_inputs_where(sides, lambda seen: seen.rng),
    )

    copied = [info.copied for info in infos]
    unseen = [i for i in unseen if i not in traits.lazy and i not in traits.drawing]

    def ready(crew: Crew, version: Version, seed: int) -> tuple[Worker, float]:
        worker = crew.start(spec_of(version, seed))
        loaded = worker.load()
        worker.make_inputs(copied)
        return worker, loaded.import_cpu_s

    def run(replicate: int, inputs: Sequence[int]) -> PairRun:
        place = replicate % len(HASH_SEEDS)
        seed = HASH_SEEDS[place]
        with Crew(cancel) as crew:
            (before, before_s), (after, after_s) = crew.together(
                [functools.partial(ready, crew, version, seed) for version, _ in sides]
            )
            timed = functools.partial(
                run_pair,
                Scheduled(before),
                Scheduled(after),
                inputs=inputs,
                replicate=replicate,
                rates=rates,
                expected_before=sides[0][1][place].cores(),
                expected_after=sides[1][1][place].cores(),
                traits=traits,
                imports_s=(before_s, after_s),
                unseen=unseen,
                between=cancel.check,
            )
            [pair] = crew.together([timed])
        return pair

    def guarded(replicate: int, inputs: Sequence[int]) -> PairRun:
        try:
            return run(replicate, inputs)
        except WrongAnswer as wrong:
            who = "it" if wrong.side == "after" else "the version it is compared with"
            raise CandidateFailed(
                "timing",
                f"{who} gives another answer after {wrong.calls} calls in one process "
                f"(input {wrong.index})",
            ) from None
        except (WorkerDied, WorkloadError) as error:
            raise CandidateFailed("timing", error.message) from None

    return guarded


def _inputs_where(sides: Iterable[Side], holds: Callable[[Observation], bool]) -> frozenset[int]:
    """Inputs with an observation, of either version, that something holds for."""
    return frozenset(
        index
        for _, behaviours in sides
        for behaviour in behaviours
        for (index, _mode), seen in behaviour.seen.items()
        if holds(seen)
    )
