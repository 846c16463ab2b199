"""Reads what benchmark tools write: one value for each benchmark, from hostile text.

Recognised by content, not by name: JSON of pytest-benchmark, pyperf, hyperfine and Google Benchmark
(`read_json`), and plain numbers on standard output (`read_numbers`). The functions are pure and
never raise: text that is none of these gives None.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from benchmark_runner.measuring.statistics import median

MOST_BYTES = 64 << 20
"""Longer text is not read."""
MOST_BENCHMARKS = 2_000
_MOST_VALUES = 200_000
_MOST_NAME = 200
_MOST_LINES = 2_000
_UNITS_S = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0}


@dataclass(frozen=True)
class Metric:
    """One benchmark's value of one run, above 0.

    `total` is all the time that the tool says it spent in this benchmark's timed code, in seconds;
    None where it does not tell.
    """

    name: str
    value: float
    unit: str = "s"
    total: float | None = None


@dataclass(frozen=True)
class Reading:
    """What one run of a benchmark command told, and by which tool. Names are unique."""

    tool: str
    metrics: tuple[Metric, ...]
    version: str = ""

    @property
    def by_name(self) -> dict[str, Metric]:
        """The metrics by their names."""
        return {metric.name: metric for metric in self.metrics}

    @property
    def total_s(self) -> float | None:
        """Seconds in timed code, if every benchmark tells them."""
        totals = [metric.total for metric in self.metrics]
        return None if None in totals else math.fsum(t for t in totals if t is not None)


def read_json(text: str) -> Reading | None:
    """What a JSON text of one of the four tools says; None for any other text."""
    if len(text) > MOST_BYTES or text.lstrip()[:1] != "{":
        return None
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(data, dict):
        return None
    for read in (_google_benchmark, _pytest_benchmark, _pyperf, _hyperfine):
        found = read(data)
        if found is not None and found.metrics:
            return found
    return None


def _number(value: object) -> float | None:
    """A finite number above 0, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) and number > 0.0 else None


def _numbers(value: object) -> list[float]:
    items = value[:_MOST_VALUES] if isinstance(value, list) else []
    return [number for item in items if (number := _number(item)) is not None]


def _dicts(value: object) -> list[dict[str, Any]]:
    items = value[: 4 * MOST_BENCHMARKS] if isinstance(value, list) else []
    return [item for item in items if isinstance(item, dict)]


def _text(value: object) -> str:
    """A name as it may be shown: printable and short."""
    shown = "".join(c if c.isprintable() else " " for c in str(value)[: 4 * _MOST_NAME])
    return shown.strip()[:_MOST_NAME]


def _product(*values: float | None) -> float | None:
    """The product where all factors are known and it is finite."""
    total = 1.0
    for value in values:
        if value is None:
            return None
        total *= value
    return total if math.isfinite(total) else None


def _reading(tool: str, metrics: Iterator[Metric], version: object = "") -> Reading:
    """A reading with unique names: a second "x" is "x #2"."""
    kept: dict[str, Metric] = {}
    times: dict[str, int] = {}
    for metric in metrics:
        base = metric.name or "benchmark"
        times[base] = times.get(base, 0) + 1
        name = base if times[base] == 1 else f"{base} #{times[base]}"
        if name not in kept:
            kept[name] = Metric(name, metric.value, metric.unit, metric.total)
        if len(kept) >= MOST_BENCHMARKS:
            break
    return Reading(tool, tuple(kept.values()), _text(version)[:40] if version else "")


def _pytest_benchmark(data: dict[str, Any]) -> Reading | None:
    """`--benchmark-json`: the median of the rounds, in seconds."""
    rows = [row for row in _dicts(data.get("benchmarks")) if isinstance(row.get("stats"), dict)]
    if not rows or "machine_info" not in data:
        return None

    def metrics() -> Iterator[Metric]:
        for row in rows:
            stats = row["stats"]
            value = _number(stats.get("median")) or _number(stats.get("mean"))
            total = _product(_number(stats.get("total")), _number(stats.get("iterations")))
            if value is not None:
                yield Metric(_text(row.get("fullname") or row.get("name")), value, "s", total)

    return _reading("pytest-benchmark", metrics(), data.get("version", ""))


def _pyperf(data: dict[str, Any]) -> Reading | None:
    """pyperf's format 1.0: the median of all values of all processes, in its unit."""
    rows = _dicts(data.get("benchmarks"))
    if not rows or not any("runs" in row for row in rows):
        return None
    shared = data.get("metadata")
    shared = shared if isinstance(shared, dict) else {}

    def metrics() -> Iterator[Metric]:
        for row in rows:
            own = row.get("metadata")
            known = {**shared, **(own if isinstance(own, dict) else {})}
            values: list[float] = []
            total: float | None = 0.0
            for run in _dicts(row.get("runs")):
                told = run.get("metadata")
                loops = {**known, **(told if isinstance(told, dict) else {})}
                each = _product(
                    _number(loops.get("loops", 1)), _number(loops.get("inner_loops", 1))
                )
                found = _numbers(run.get("values"))
                values += found
                spent = _product(each, math.fsum(found)) if found else 0.0
                total = None if total is None or spent is None else total + spent
                total = None if total is None else total + _warmed(run.get("warmups"))
            unit = {"second": "s", "byte": "bytes"}.get(str(known.get("unit", "second")), "")
            if values:
                name = _text(known.get("name") or "benchmark")
                yield Metric(name, median(values), unit, total if unit == "s" else None)

    return _reading("pyperf", metrics(), shared.get("perf_version", ""))


def _warmed(warmups: object) -> float:
    """Seconds of pyperf's warm-ups, [loops, seconds per loop] each."""
    total = 0.0
    for pair in warmups[:_MOST_VALUES] if isinstance(warmups, list) else []:
        if isinstance(pair, list) and len(pair) == 2:
            total += _product(_number(pair[0]), _number(pair[1])) or 0.0
    return total


def _hyperfine(data: dict[str, Any]) -> Reading | None:
    """`--export-json`: the median of the runs, in seconds of wall time."""
    rows = [row for row in _dicts(data.get("results")) if "command" in row]
    if not rows:
        return None

    def metrics() -> Iterator[Metric]:
        for row in rows:
            times = _numbers(row.get("times"))
            value = _number(row.get("median")) or (median(times) if times else None)
            if value is not None:
                total = math.fsum(times) if times else None
                yield Metric(_text(row.get("command")), value, "s", total)

    return _reading("hyperfine", metrics())


def _google_benchmark(data: dict[str, Any]) -> Reading | None:
    """`--benchmark_format=json`: CPU time in seconds, the median of the repetitions.

    Wall time where the benchmark asked for it (names that end in /real_time or /manual_time).
    Aggregates are only read where there is nothing else (`--benchmark_report_aggregates_only`).
    """
    rows = [row for row in _dicts(data.get("benchmarks")) if "real_time" in row]
    if not rows or not isinstance(data.get("context"), dict):
        return None
    single = [row for row in rows if row.get("run_type", "iteration") == "iteration"]
    medians = [row for row in rows if row.get("aggregate_name") == "median"]

    def metrics() -> Iterator[Metric]:
        values: dict[str, list[float]] = {}
        totals: dict[str, float | None] = {}
        for row in single or medians:
            if row.get("error_occurred"):
                continue
            name = _text(row.get("run_name") or row.get("name"))
            wall = "real_time" in name or "manual_time" in name
            scale = _UNITS_S.get(str(row.get("time_unit", "ns")), 1e-9)
            value = _number(row.get("real_time" if wall else "cpu_time"))
            if value is None:
                continue
            values.setdefault(name, []).append(value * scale)
            spent = _product(_number(row.get("real_time")), scale, _number(row.get("iterations")))
            before = totals.get(name, 0.0)
            known = single and before is not None and spent is not None
            totals[name] = (before or 0.0) + (spent or 0.0) if known else None
        for name, found in values.items():
            if value := _number(median(found)):
                yield Metric(name, value, "s", totals[name])

    return _reading("google-benchmark", metrics(), data["context"].get("library_version", ""))


_VALUE = r"[-+]?(?:\d[\d_,]{0,30}(?:\.\d{0,30})?|\.\d{1,30})(?:[eE][-+]?\d{1,3})?"
_UNIT = r"[A-Za-zµμ%][A-Za-z0-9µμ%/._-]{0,15}"
_PLAIN = re.compile(rf"\s{{0,20}}({_VALUE})\s{{0,3}}({_UNIT})?\s{{0,20}}\Z")
_NAMED = re.compile(
    rf"\s{{0,20}}([^\s:=][^:=]{{0,100}}?)\s{{0,5}}[:=]\s{{0,5}}({_VALUE})\s{{0,3}}({_UNIT})?\s{{0,20}}\Z"
)


def read_numbers(text: str) -> Reading | None:
    """Plain numbers on standard output.

    Every "name: number [unit]" (or "name = number") at the end of the text counts, blank lines
    aside; else the last line that is a number with an optional unit. Times in ns, us, ms and s are
    given in seconds.
    """
    lines = text[-(1 << 20) :].splitlines()[-_MOST_LINES:]
    named = list(_named_at_the_end(lines))
    if named:
        return _reading("number", iter(named))
    for line in reversed(lines):
        found = _PLAIN.match(line) if len(line) <= 200 else None
        metric = _plain("result", found[1], found[2]) if found else None
        if metric is not None:
            return Reading("number", (metric,))
    return None


def _named_at_the_end(lines: Sequence[str]) -> list[Metric]:
    found: list[Metric] = []
    for line in reversed(lines):
        if not line.strip():
            continue
        match = _NAMED.match(line) if len(line) <= 200 else None
        metric = _plain(_text(match[1]), match[2], match[3]) if match else None
        if metric is None:
            break
        found.append(metric)
    return found[::-1]


def _plain(name: str, value: str, unit: str | None) -> Metric | None:
    try:
        number = _number(float(value.replace(",", "").replace("_", "")))
    except ValueError:
        return None
    if number is None:
        return None
    scale = _UNITS_S.get((unit or "").replace("μ", "µ"))
    scaled = _number(number * scale) if scale is not None else None
    return Metric(name, scaled, "s") if scaled is not None else Metric(name, number, unit or "")


READERS = ("pytest-benchmark", "pyperf", "hyperfine", "google-benchmark", "number")
"""What `metric` may ask for beside "auto" and the path of a file in the tree."""
