"""Memory as the second objective: what a call holds at most, paired as time is.

Counted in processes of their own that are never timed, since counting slows the calls. Python's
own allocator tells (tracemalloc; numpy reports to it too); what a C library takes for itself shows
only in the process, whose growth the kernel tells. Less memory is reported and never called
"faster"; a gain in time that is paid with much memory says so.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from analysis.progress import CancelToken
from benchmark_runner.errors import CandidateFailed, WorkerDied, WorkloadError
from benchmark_runner.measuring.statistics import estimate
from benchmark_runner.receipt import Memory
from benchmark_runner.worker.crew import Crew
from benchmark_runner.worker.observations import MemoryUse, WorkerSpec
from benchmark_runner.worker.supervisor import InputInfo, Worker

MUCH_TIMES = 2.0
MUCH_BYTES = 16 << 20
"""A peak that is both this many times and this many bytes above the original's is much more."""
_LEAST_TIMES = 1.2
_LEAST_BYTES = 1 << 20
"""Less memory than that is not worth a word."""
_SMALL = 4096
"""Bytes that are added on both sides: the few that any call takes are no ratio."""
_PRIOR_SD = 0.01
_MOST_INPUTS = 6
_MOST_CALL_S = 0.25
_MOST_CALLS_S = 0.06
_BYTES_S = 20e-9
"""CPU seconds of the original on one input, and on several together, what handling a byte of them
takes included; counting takes up to thirty times that."""
_MOST_LINES = 20_000
_MOST_FOLLOWED_S = 2e-3
"""Calls longer than this have more lines than are followed."""


@dataclass(frozen=True)
class Used:
    """What one version's calls took: by input, and the whole process on top of its start."""

    calls: Mapping[int, MemoryUse]
    resident: int | None


SpecOf = Callable[[int], WorkerSpec]
"""The worker of a version under a hash seed."""


def counted_inputs(
    timed: Sequence[int], sizes: Mapping[int, int], costs_s: Mapping[int, float]
) -> tuple[int, ...]:
    """A few of the timed inputs, the largest among them as far as its calls are affordable."""
    ranked = sorted(timed, key=lambda index: (-sizes[index], index))
    ranked = ranked[:: max(1, -(-len(ranked) // _MOST_INPUTS))]
    chosen: list[int] = []
    spent_s = 0.0
    for index in ranked:
        cost_s = costs_s[index] + _BYTES_S * sizes[index]
        if spent_s + cost_s <= (_MOST_CALLS_S if chosen else _MOST_CALL_S):
            spent_s += cost_s
            chosen.append(index)
    return tuple(sorted(chosen, key=lambda index: (sizes[index], index)))


def count_memory(
    before: SpecOf,
    after: SpecOf,
    inputs: Sequence[int],
    infos: Sequence[InputInfo],
    costs_s: Mapping[int, float],
    seeds: Sequence[int],
    cancel: CancelToken,
) -> Memory | str:
    """Memory of both versions on the inputs, the smallest first, or why it was not counted.

    One pair of processes for each hash seed; `costs_s` are CPU seconds of the original's calls.
    Raises Cancelled.
    """
    copied = [info.copied for info in infos]
    lines = {i: _MOST_LINES if costs_s[i] <= _MOST_FOLLOWED_S else 0 for i in inputs}
    pairs: list[tuple[Used, Used]] = []
    for seed in seeds:
        with Crew(cancel) as crew:
            jobs = [
                functools.partial(_use, crew, spec_of(seed), lines, copied)
                for spec_of in (before, after)
            ]
            try:
                own, its = crew.together(jobs)
            except (CandidateFailed, WorkerDied, WorkloadError) as error:
                cancel.check()
                return f"memory was not counted: {error.message}"
        pairs.append((own, its))
    return summarise(pairs, inputs)


def _use(crew: Crew, spec: WorkerSpec, lines: Mapping[int, int], copied: Sequence[str]) -> Used:
    worker: Worker = crew.start(spec)
    worker.load()
    worker.make_inputs(copied)
    start = worker.resident()
    for index in lines:  # untraced: tracing takes memory too
        worker.stage(index, 1)
        worker.run()
    end = worker.resident()
    grown = end - start if start is not None and end is not None else None
    return Used({index: worker.memory(index, most) for index, most in lines.items()}, grown)


def summarise(pairs: Sequence[tuple[Used, Used]], inputs: Sequence[int]) -> Memory:
    """What the pairs of processes say; `inputs` are in the order of size. Bytes."""
    logs = [_log(pairs, index) for index in inputs]
    now = estimate(logs, _PRIOR_SD)
    before = [max(own.calls[i].peak for own, _ in pairs) for i in inputs]
    after = [max(its.calls[i].peak for _, its in pairs) for i in inputs]
    allocated = [
        index
        for index in inputs
        if all(used.calls[index].allocated is not None for pair in pairs for used in pair)
    ]
    largest = pairs[0] if allocated else None
    memory = Memory(
        before_peak=max(before),
        after_peak=max(after),
        peak_ratio=now.ratio,
        interval=now.interval,
        before_allocated=largest[0].calls[allocated[-1]].allocated if largest else None,
        after_allocated=largest[1].calls[allocated[-1]].allocated if largest else None,
        tool="tracemalloc",
        before_resident=_least(own.resident for own, _ in pairs),
        after_resident=_least(its.resident for _, its in pairs),
        inputs=len(inputs),
    )
    return replace(memory, note=more_memory(memory) or _less_memory(memory))


def more_memory(memory: Memory) -> str:
    """What is to be said of a version that takes much more than the original; "" if it does not."""
    pairs = [
        ("at its peak", memory.before_peak, memory.after_peak),
        ("in the whole process", memory.before_resident, memory.after_resident),
    ]
    for where, before, after in pairs:
        if before is None or after is None:
            continue
        if after > MUCH_TIMES * before and after - before > MUCH_BYTES:
            return f"takes {_megabytes(after)} of memory {where}, the original {_megabytes(before)}"
    return ""


def _less_memory(memory: Memory) -> str:
    less = memory.before_peak - memory.after_peak
    if memory.interval[0] < _LEAST_TIMES or less < _LEAST_BYTES:
        return ""
    return (
        f"takes {memory.peak_ratio:.3g}x less memory at its peak: at most "
        f"{_megabytes(memory.after_peak)}, the original {_megabytes(memory.before_peak)}"
    )


def _megabytes(count: int) -> str:
    return f"{count / (1 << 20):.1f} MB"


def _least(values: Iterable[int | None]) -> int | None:
    """The least of what was told: a process grows by chance, never shrinks."""
    told = [value for value in values if value is not None]
    return min(told, default=None)


def _log(pairs: Sequence[tuple[Used, Used]], index: int) -> float:
    """log(peak before / after) on an input, the mean over the hash seeds."""
    logs = [
        math.log((own.calls[index].peak + _SMALL) / (its.calls[index].peak + _SMALL))
        for own, its in pairs
    ]
    return math.fsum(logs) / len(logs)
