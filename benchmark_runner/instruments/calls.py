"""Instructions of one call of a Python function, by difference of two runs.

Both runs start the same worker, load the version and stage the same arguments; only one of them
makes the calls. What the interpreter's start, the import and the staging cost cancels exactly
(measured with callgrind: within 0.1 % of a call's count). The requests to the worker are recorded
to a file first and read from it: nobody has to wait for a worker that is 50 times slower.
"""

from __future__ import annotations

import functools
import math
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.progress import CancelToken
from benchmark_runner.instruments.totals import (
    CountFailed,
    Instrument,
    Program,
    instrument,
    total_instructions,
)
from benchmark_runner.receipt import Instructions
from benchmark_runner.sandbox.layout import layout_of
from benchmark_runner.sandbox.leftovers import own_folder
from benchmark_runner.sandbox.policy import project_paths
from benchmark_runner.worker import harness
from benchmark_runner.worker.supervisor import Worker, WorkerSpec

SAME = 0.005
"""Log-ratios below this say that both versions execute the same instructions."""
_SIMULATED_S = 0.004
_COUNTED_S = 0.1
"""CPU seconds of the calls that one run makes, without the tool. What is simulated comes out the
same to the last instruction; real counters see the noise of the start, too."""
_MOST_CALLS = 4000
_WARM_UP = 3
_MOST_INPUTS = 4
_UNASKED_S = 0.06
"""CPU seconds of calls, without the tool, that are simulated unasked: some fifty times as long."""


class _Recorder(Worker):
    """Writes the requests down instead of sending them."""

    def __init__(self, spec: WorkerSpec) -> None:
        self.spec = spec
        self.layout = layout_of(spec.python)
        self.frames = bytearray()

    def _ask(self, operation: bytes, value: object, seconds: float) -> dict[str, Any]:
        body = b"" if value is None else harness.encode(value)
        self.frames += len(body).to_bytes(4, "little") + bytes(8) + operation + body
        return {}

    def cpu_s(self) -> float:
        """No process, no time."""
        return 0.0

    def make(self) -> None:
        """The calls that were staged."""
        self.frames += bytes(12) + b"R"


@dataclass(frozen=True)
class Sample:
    """Which calls are counted: how often each input, and how each input is copied."""

    calls: Mapping[int, int]
    copied: Sequence[str]

    @property
    def count(self) -> int:
        """All calls."""
        return sum(self.calls.values())

    def is_short(self, costs_s: Mapping[int, float]) -> bool:
        """Whether counting takes so little that nobody need ask for it."""
        tool = instrument()
        calls_s = (costs_s[index] * (2 * _WARM_UP + n) for index, n in self.calls.items())
        return tool is None or not tool.path or math.fsum(calls_s) <= _UNASKED_S


def choose_sample(
    inputs: Sequence[int], costs_s: Mapping[int, float], copied: Sequence[str]
) -> Sample:
    """Up to four inputs, spread over the cost, each for about the same time.

    `costs_s` are seconds of a call of the original.
    """
    ranked = sorted(inputs, key=lambda index: (costs_s[index], index))
    count = min(_MOST_INPUTS, len(ranked))
    step = (len(ranked) - 1) / (count - 1) if count > 1 else 0.0
    chosen = dict.fromkeys(ranked[round(place * step)] for place in range(count))
    tool = instrument()
    each = (_SIMULATED_S if tool and tool.path else _COUNTED_S) / len(chosen)
    calls = {
        index: max(1, min(_MOST_CALLS, math.ceil(each / max(costs_s[index], 1e-7))))
        for index in chosen
    }
    return Sample(calls, copied)


def requests(spec: WorkerSpec, sample: Sample, *, calling: bool) -> bytes:
    """What the worker is asked; without `calling` the same but for the counted calls."""
    worker = _Recorder(spec)
    worker.load()
    worker.make_inputs(sample.copied)
    for index in sample.calls:
        worker.stage(index, _WARM_UP)
        worker.make()
    for index, reps in sample.calls.items():
        worker.stage(index, reps)
        if calling:
            worker.make()
    return bytes(worker.frames)


def _total(
    spec: WorkerSpec, sample: Sample, tool: Instrument, calling: bool, cancel: CancelToken | None
) -> int:
    layout = layout_of(spec.python)
    texts = [Path(path) for path, _ in spec.version.files]
    if spec.inputs.path is not None:
        texts.append(spec.inputs.path)
    more = [shown for path in texts for shown in project_paths(path.parent, path)]
    if spec.inputs.kind == "captured" and spec.inputs.path is not None:
        more.append(spec.inputs.path)
    with tempfile.TemporaryDirectory(prefix="hasten-count-", dir=own_folder()) as folder:
        frames = Path(folder) / "frames"
        frames.write_bytes(requests(spec, sample, calling=calling))
        program = Program(
            command=[str(layout.python), "-B", str(layout.harness), "3", "4"],
            cwd=spec.path.parent,
            python=spec.python,
            readable=[layout.harness, *project_paths(spec.project, spec.path), *more],
            frames=frames,
            environment={"PYTHONHASHSEED": str(spec.hash_seed)},
        )
        return total_instructions(program, tool, cancel)


def count_calls(
    before: WorkerSpec, after: WorkerSpec, sample: Sample, cancel: CancelToken | None = None
) -> tuple[str, float, float]:
    """The tool, and instructions of one call of either version, averaged over the sample.

    Both versions must have passed equivalence on these inputs. A hostile version can lie here:
    it runs beside the count. Raises CountFailed and Cancelled.
    """
    tool = instrument()
    if tool is None:
        raise CountFailed("no counters and no valgrind on this machine", code="count-none")
    jobs = [
        functools.partial(_total, spec, sample, tool, calling, cancel)
        for spec in (before, after)
        for calling in (False, True)
    ]
    with ThreadPoolExecutor(max_workers=2) as pool:
        idle_before, full_before, idle_after, full_after = pool.map(lambda job: job(), jobs)
    found = (full_before - idle_before) / sample.count, (full_after - idle_after) / sample.count
    if min(found) <= 0:
        raise CountFailed(f"{tool.name}: a call can't have {min(found):.0f} instructions")
    return tool.name, *found


def compared(tool: str, before: float, after: float, log_time: float) -> Instructions:
    """The count for the receipt; `log_time` is the log-ratio of the time, above 0 is faster.

    It agrees when both point the same way; a count that stays the same within half a per cent
    agrees with a time that stays the same within 5 %.
    """
    found = math.log(before / after)
    still = abs(log_time) < math.log(1.05)
    agrees = still if abs(found) < SAME else (found > 0) == (log_time > 0)
    return Instructions(tool, before, after, before / after, agrees)
