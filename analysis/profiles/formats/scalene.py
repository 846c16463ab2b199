"""Reads Scalene's JSON: time in Python, in native code and in the system, and memory, by line.

Its percents are of the run's time, so costs here are seconds. A line has what ran for it, library
code that Scalene does not look into included, and a function its lines; what they cost in total is
told by the stacks, where the file has them. Memory is in MB of 2**20 bytes. Where no time was
measured, the bytes allocated are counted. https://github.com/plasma-umass/scalene
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from analysis.profiles.damage import Damaged
from analysis.profiles.file import ProfileFile
from analysis.profiles.json_cursor import Cursor
from analysis.profiles.json_stream import as_dict, as_list, as_number, looks_like_json
from analysis.profiles.model import FunctionCost, LineCost, LineMemory, Profile, Unit
from analysis.profiles.places import Places
from analysis.profiles.tally import Tally

_MAX_ROWS = 1_000_000
_MAX_PERCENT = 1e4
_MAX_SECONDS = 1e9
_MAX_MB = 1e9
_MB = float(1 << 20)
_FRAME = re.compile(r"(.*) (\S+):(\d{1,8});?", re.DOTALL)
_MAX_STACK = 5_000


@dataclass(frozen=True)
class _Row:
    """What Scalene says of a function or a line: percents of the run, MB, MB per second."""

    path: str
    name: str
    line: int
    python: float
    native: float
    peak: float
    allocated: float
    copied: float


def recognises(head: bytes) -> bool:
    """Whether it is a JSON object with what Scalene writes before the files, or in them."""
    return looks_like_json(head) and (
        (b'"alloc_samples"' in head and b'"args"' in head)
        or (b'"elapsed_time_sec"' in head and b'"growth_rate"' in head)
        or b'"n_cpu_percent_python"' in head
    )


def read(file: ProfileFile, places: Places) -> Profile:
    """The profile in Scalene's file. Raises Truncated or Damaged."""
    seconds = 0.0
    functions: list[_Row] = []
    lines: list[_Row] = []
    stacks = Tally(places, tells_lines=True)
    with Cursor(file) as cursor:
        for key in cursor.members():
            if key == "elapsed_time_sec":
                seconds = as_number(cursor.value())
                if not 0 <= seconds <= _MAX_SECONDS:
                    raise Damaged("a run of no time that there is")
            elif key == "files":
                for path in cursor.members():
                    _read_file(cursor, path, functions, lines)
            elif key == "stacks":
                for stack in cursor.values():
                    _add_stack(as_list(stack), stacks)
        cursor.end()
    percent = sum(row.python + row.native for row in lines or functions)
    unit: Unit = "seconds" if percent > 0 and seconds > 0 else "bytes"
    scale = seconds / 100 if unit == "seconds" else 0.0
    # Scalene's own sums by function leave lines out, so they count only where there are no lines.
    rows = lines or functions
    total = sum(_cost(row, scale) for row in rows)
    told = stacks.profile("scalene", unit, sampled=True)
    called = _Called(told, total) if unit == "seconds" else _Called(None, total)
    return Profile(
        tool="scalene",
        unit=unit,
        total=total,
        functions=tuple(_functions(rows, scale, called, places)),
        sampled=True,
        lines=tuple(_lines(lines, scale, called, places)),
        memory=tuple(_memory(lines, places)),
    )


def _read_file(cursor: Cursor, path: str, functions: list[_Row], lines: list[_Row]) -> None:
    for key in cursor.members():
        if key in ("functions", "lines"):
            into = functions if key == "functions" else lines
            for value in cursor.values():
                row = _row(path, as_dict(value), named=key == "functions")
                if row.python + row.native + row.peak + row.allocated + row.copied > 0:
                    into.append(row)
                    if len(into) > _MAX_ROWS:
                        raise Damaged(f"more than {_MAX_ROWS} {key}")


def _row(path: str, told: dict[str, Any], *, named: bool) -> _Row:
    def number(key: str, most: float) -> float:
        value = told.get(key)
        return min(max(0.0, as_number(value)), most) if value is not None else 0.0

    name = told.get("line") if named else "<line>"
    line = told.get("lineno")
    if not isinstance(name, str) or not isinstance(line, int) or isinstance(line, bool):
        raise Damaged("a line or a function without its place")
    return _Row(
        path=path,
        name=name,
        line=max(0, line),
        python=number("n_cpu_percent_python", _MAX_PERCENT),
        native=number("n_cpu_percent_c", _MAX_PERCENT) + number("n_sys_percent", _MAX_PERCENT),
        peak=number("n_peak_mb", _MAX_MB),
        allocated=number("n_malloc_mb", _MAX_MB),
        copied=number("n_copy_mb_s", _MAX_MB),
    )


def _add_stack(stack: list[Any], into: Tally) -> None:
    """``[["path name:line;", ...], {"cpu_samples": seconds, "count": samples}]``."""
    if len(stack) != 2:
        raise Damaged("a stack of another shape")
    frames, told = as_list(stack[0]), stack[1]
    weight = as_number(
        told.get("cpu_samples", told.get("count", 0)) if isinstance(told, dict) else told
    )
    if len(frames) > _MAX_STACK or weight > _MAX_SECONDS:
        raise Damaged("a stack that no program has")
    found = []
    for frame in frames:
        parts = _FRAME.fullmatch(frame) if isinstance(frame, str) else None
        if parts is None:
            raise Damaged("a frame of another shape")
        found.append(into.frame(parts[1], parts[2], int(parts[3])))
    into.add(found, weight)


class _Called:
    """What functions and lines spent in what they called, by the stacks."""

    def __init__(self, stacks: Profile | None, total: float) -> None:
        self.stacks = stacks
        self._scale = total / stacks.total if stacks and stacks.total > 0 else 0.0

    def functions(self) -> Iterator[FunctionCost]:
        """Those on a stack, with nothing of their own."""
        for cost in self.stacks.functions if self.stacks else ():
            below = max(0.0, cost.total_cost - cost.self_cost) * self._scale
            yield replace(cost, self_cost=0.0, direct_cost=0.0, total_cost=below)

    def lines(self) -> Iterator[tuple[tuple[str, int], float]]:
        """Seconds that lines spent in calls."""
        for line in self.stacks.lines if self.stacks else ():
            below = max(0.0, line.total_cost - line.self_cost) * self._scale
            if below:
                yield (line.path, line.line), below


def _cost(row: _Row, scale: float) -> float:
    return (row.python + row.native) * scale if scale else row.allocated * _MB


def _functions(
    rows: list[_Row], scale: float, called: _Called, places: Places
) -> Iterator[FunctionCost]:
    known = {(cost.path, cost.name, cost.line): cost for cost in called.functions()}
    for row in rows:
        place = places.place(row.path, row.name, row.line or None)
        who = (place.path, place.name, place.line) if place else (row.path, row.name, row.line)
        own = _cost(row, scale)
        before = known.get(who) or FunctionCost(*who, 0.0, 0.0, 0.0, None)
        known[who] = replace(
            before,
            self_cost=before.self_cost + own,
            total_cost=before.total_cost + own,
            direct_cost=before.direct_cost + own,
            native_cost=(before.native_cost or 0.0) + row.native * scale if scale else None,
        )
    yield from known.values()


def _lines(rows: list[_Row], scale: float, called: _Called, places: Places) -> Iterator[LineCost]:
    own: defaultdict[tuple[str, int], float] = defaultdict(float)
    native: defaultdict[tuple[str, int], float] = defaultdict(float)
    for row in rows:
        path = places.file(row.path)
        if path and row.line:
            own[path, row.line] += _cost(row, scale)
            native[path, row.line] += row.native * scale
    below = dict(called.lines())
    for key in sorted(own.keys() | below.keys()):
        cost = own.get(key, 0.0)
        if cost > 0 or key in below:
            outside = native.get(key, 0.0) if scale else None
            yield LineCost(*key, cost, cost + below.get(key, 0.0), outside)


def _memory(rows: list[_Row], places: Places) -> Iterator[LineMemory]:
    for row in rows:
        path = places.file(row.path)
        if path and row.line and row.peak + row.allocated + row.copied > 0:
            yield LineMemory(path, row.line, row.peak * _MB, row.allocated * _MB, row.copied * _MB)
