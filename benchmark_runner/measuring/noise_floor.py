"""What this machine's noise lets anybody find: proofs of identical code (an A/A test).

The replicates of such proofs have the true ratio 1, so their spread is the noise, and a claim of
"faster" is a false one. A handful of proofs says little about a rate; the spread that they show,
put through the decision rule many times, says what the rule would claim and find at that spread.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from analysis.progress import CancelToken, Progress, silent
from benchmark_runner.environment import describe
from benchmark_runner.errors import WorkloadError
from benchmark_runner.measuring.rates import clopper_pearson
from benchmark_runner.measuring.statistics import (
    CPU_NOISE,
    LONG_NOISE,
    WALL_NOISE,
    Noise,
    asks_more,
    confirms,
    look,
)
from benchmark_runner.measuring.timing import ONCE_S
from benchmark_runner.proof import within
from benchmark_runner.receipt import Clock, Environment, Measurement, Receipt
from benchmark_runner.sandbox.leftovers import own_folder
from benchmark_runner.verify import FunctionBench
from benchmark_runner.workload import FunctionWorkload, InputsFile, Version

_BUILT_IN = '''"""Some of everything: integers, allocation, strings, a dict."""


def work(rounds):
    seen = {}
    for i in range(rounds):
        key = str(i & 63)
        seen[key] = (seen.get(key, 0) + i) & 1023
        pair = [key, (i, key)]
    return len(seen)
'''
_BUILT_IN_INPUTS = "def inputs():\n    return [((n,), {}) for n in (3000, 3100, 3200)]\n"
_GAINS = (1.05, 1.06, 1.07, 1.08, 1.1, 1.12, 1.15, 1.2, 1.25, 1.3, 1.4, 1.5, 1.75, 2.0, 3.0)
_LIKELY = 0.8
_DRAWS = 400
_CPUINFO, _STAT = Path("/proc/cpuinfo"), Path("/proc/stat")
_GOVERNOR = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")


@dataclass(frozen=True)
class NoiseFloor:
    """What proofs of identical code told of a machine, for one workload.

    `spread` is the standard deviation and `bias` the mean of the replicates' log-ratios. `claims`
    is the share of proofs of identical code (0 to 1) that the rule would call faster at this
    spread, `smallest` the smallest ratio that it would find in 4 of 5 proofs, None if that is
    above 3; both are simulated. `call_s` are seconds of a call, `steal` the share of the CPUs
    that the host of a virtual machine took meanwhile (None: not told).
    """

    workload: str
    proofs: int
    faster: int
    most_faster: float
    """Upper 95 % bound of the rate of `faster`."""
    spread: float
    bias: float
    replicates: tuple[float, ...]
    ratios: tuple[float, ...]
    claims: float
    smallest: float | None
    clock: Clock
    call_s: float
    seconds: float
    steal: float | None
    environment: Environment
    notes: tuple[str, ...]


def found_share(gain: float, spread: float, noise: Noise = CPU_NOISE, draws: int = _DRAWS) -> float:
    """The share of proofs (0 to 1) that the rule would call faster at a true gain and a spread.

    Replicates are drawn from a normal distribution; the draws are the same every time.
    """
    rng = random.Random(f"{gain} {spread}")
    found = 0
    for _ in range(draws):
        values: list[float] = []
        step = look(values, noise)
        while step == "continue":
            values.append(rng.gauss(math.log(gain), spread))
            step = look(values, noise)
        if step == "accept":
            fresh: list[float] = []
            while asks_more(fresh, noise):
                fresh.append(rng.gauss(math.log(gain), spread))
            found += confirms(fresh, noise)
    return found / draws


def smallest_gain(spread: float, noise: Noise = CPU_NOISE) -> float | None:
    """The smallest ratio that would be found in 4 of 5 proofs; None if it is above 3."""
    return next((gain for gain in _GAINS if found_share(gain, spread, noise) >= _LIKELY), None)


@contextmanager
def built_in() -> Iterator[FunctionWorkload]:
    """A function of about 1 ms in a folder of its own."""
    with TemporaryDirectory(prefix="hasten-aa-", dir=own_folder()) as name:
        path, given = Path(name) / "work.py", Path(name) / "given.py"
        path.write_text(_BUILT_IN)
        given.write_text(_BUILT_IN_INPUTS)
        yield FunctionWorkload(path, "work", Version.of({path: _BUILT_IN}), InputsFile(given))


def _copy(workload: FunctionWorkload, number: int) -> Version:
    """The same code as another text: a comment at the end makes it really run."""
    text = workload.before.text_of(workload.path)
    if text is None:
        text = workload.path.read_text("utf-8")
    copy = f"{text}\n# copy {number}\n"
    files = {Path(path): kept for path, kept in workload.before.files}
    return replace(Version.of({**files, workload.path: copy}), commit=workload.before.commit)


def measure_noise(
    workload: FunctionWorkload,
    *,
    python: Path,
    proofs: int,
    name: str,
    allow_unsandboxed: bool = False,
    progress: Progress = silent,
    cancel: CancelToken | None = None,
) -> NoiseFloor:
    """Prove so many copies of the original; whole proofs, confirmation included.

    Raises what FunctionBench.prepare raises, and WorkloadError (aa-untimed) where no copy could be
    timed.
    """
    started, stolen = time.monotonic(), _stolen()
    receipts: list[Receipt] = []
    for number in range(proofs):
        share = number / proofs
        with FunctionBench(
            workload,
            python=python,
            allow_unsandboxed=allow_unsandboxed,
            progress=within(progress, share, share + 1 / proofs),
            cancel=cancel,
        ) as bench:
            receipts.append(bench.prove(_copy(workload, number), origin="user"))
    if not any(receipt.measurement for receipt in receipts):
        raise WorkloadError(
            f"{name}: its identical copy could not be timed: {receipts[0].reason}",
            code="aa-untimed",
            mend="give inputs on which it behaves the same every time, or leave --function out",
        )
    environment = describe(python)
    steal = _steal_share(stolen, _stolen())
    return _floor(name, receipts, environment, steal, time.monotonic() - started)


def _noise_of(measurement: Measurement) -> Noise:
    """The rule by which a measurement was judged."""
    if measurement.clock == "wall":
        return WALL_NOISE
    once = all(timing.before_s >= ONCE_S for timing in measurement.inputs)
    return LONG_NOISE if once else CPU_NOISE


def _floor(
    name: str,
    receipts: list[Receipt],
    environment: Environment,
    steal: float | None,
    seconds: float,
) -> NoiseFloor:
    timed = [receipt.measurement for receipt in receipts if receipt.measurement]
    values = [
        replicate.log_ratio
        for measurement in timed
        for replicate in (*measurement.replicates, *measurement.confirmation)
    ]
    bias = math.fsum(values) / len(values)
    squares = math.fsum((value - bias) ** 2 for value in values)
    spread = math.sqrt(squares / max(1, len(values) - 1))
    clock = timed[0].clock
    noise = _noise_of(timed[0])
    faster = sum(receipt.decision == "faster" for receipt in receipts)
    return NoiseFloor(
        workload=name,
        proofs=len(receipts),
        faster=faster,
        most_faster=clopper_pearson(faster, len(receipts))[1],
        spread=spread,
        bias=bias,
        replicates=tuple(values),
        ratios=tuple(measurement.ratio for measurement in timed),
        claims=found_share(1.0, spread, noise, 10 * _DRAWS),
        smallest=smallest_gain(spread, noise),
        clock=clock,
        call_s=max(timing.before_s for timing in timed[0].inputs),
        seconds=seconds,
        steal=steal,
        environment=environment,
        notes=tuple(_notes(environment, steal, spread, noise)),
    )


def _notes(
    environment: Environment, steal: float | None, spread: float, noise: Noise
) -> Iterator[str]:
    if environment.load > environment.cores:
        yield (
            f"the load is {environment.load:.1f} on {environment.cores} cores: other work runs "
            "here; the clock does not count it, caches and memory feel it"
        )
    if steal is not None and steal > 0.01:
        yield f"the host took {steal:.1%} of the CPUs for others meanwhile"
    if governor := _governor():
        yield f"CPU frequency governor {governor}: the clock speed changes with the load"
    if _virtual():
        yield "a virtual machine: neighbours share its caches and its memory bandwidth"
    if spread > 2 * noise.prior_sd:
        yield (
            f"replicates differ by {spread:.1%}, {noise.prior_sd:.1%} is usual: small gains will "
            "stay inconclusive here"
        )


def _governor() -> str | None:
    """The frequency governor, where there is one that changes the frequency."""
    try:
        name = _GOVERNOR.read_text().strip()
    except OSError:
        return None
    return None if name == "performance" else name


def _virtual() -> bool:
    try:
        text = _CPUINFO.read_text("utf-8", "replace")
    except OSError:
        return False
    flags = next((line for line in text.splitlines() if line.startswith("flags")), "")
    return "hypervisor" in flags.split()


def _stolen() -> tuple[int, int] | None:
    """Ticks that the host took from this machine's CPUs, and all ticks, since it started."""
    try:
        ticks = [int(word) for word in _STAT.read_text().splitlines()[0].split()[1:9]]
    except (OSError, ValueError, IndexError):
        return None
    return (ticks[7], sum(ticks)) if len(ticks) == 8 else None


def _steal_share(before: tuple[int, int] | None, after: tuple[int, int] | None) -> float | None:
    if before is None or after is None or after[1] <= before[1]:
        return None
    return (after[0] - before[0]) / (after[1] - before[1])
