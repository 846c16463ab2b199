"""Reads the text that gprof prints: the flat profile and the call graph, or one of them.

https://sourceware.org/binutils/docs/gprof/Output.html. Functions are named by their symbols, with
no file, so they are found by their names in the workspace; what ``gprof -l`` prints names files and
lines. Times are samples of 10 ms mostly, calls are counted. The call graph shares times out by the
number of calls, which is gprof's own estimate.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field

from analysis.profiles.call_graph import Edge, Entry, Key
from analysis.profiles.call_table import profile_of
from analysis.profiles.damage import Damaged, Truncated
from analysis.profiles.file import ProfileFile
from analysis.profiles.model import LineCost, Profile
from analysis.profiles.places import Places

_MAX_ENTRIES = 200_000
_MAX_NAME = 2_000
_MOSTLY = 90.0
"""Of the flat profile's percents, which add up to 100: with less, it is cut off."""

_BEGINS = re.compile(rb"\s*(?:Flat profile:|Call graph\b)")
_FLAT = re.compile(
    r" {0,9}(\d+\.\d+) +(\d+\.\d+) +(\d+\.\d+)(?: +(\d+) +(\d+\.\d+) +(\d+\.\d+))? +(\S.*)"
)
_PER_CALL = re.compile(r"time +seconds +seconds +calls +\S+ +(\S+)/call +name")
_UNITS = {"Ts": 1e-12, "ps": 1e-12, "ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0, "Ks": 1e3}
_LINE = re.compile(r"(.+) \((.+):(\d{1,8}) @ [0-9a-f]+\)")
_FUNCTION = re.compile(r"(\S.*?)(?: <cycle \d+>)? \[\d+\]")
_MAIN = re.compile(r"\[\d+\] +\d+\.\d+ +(\d+\.\d+) +(\d+\.\d+)(?: +(\d+)(?:\+\d+)?)? +(\S.*)")
_CALL = re.compile(r" +(\d+\.\d+) +(\d+\.\d+)(?: +(\d+)(?:/\d+)?)? +(\S.*)")


def recognises(head: bytes) -> bool:
    """Whether it begins like one of gprof's two tables."""
    return bool(_BEGINS.match(head))


def read(file: ProfileFile, places: Places) -> Profile:
    """The profile in gprof's text. Raises Truncated or Damaged."""
    tables = _Tables()
    for raw in file.lines():
        tables.line(raw.decode("utf-8", "replace"))
    tables.end()
    return tables.profile(places)


@dataclass
class _Function:
    own: float = 0.0
    total: float = 0.0
    calls: int | None = None
    callers: dict[str, Edge] = field(default_factory=dict)
    path: str = ""
    first_line: int = 0


class _Tables:
    """What the lines so far said; `line` is given them one after the other."""

    def __init__(self) -> None:
        self._functions: dict[str, _Function] = {}
        self._lines: defaultdict[tuple[str, int], float] = defaultdict(float)
        self._table = ""
        self._unit = 1.0
        self._percents = 0.0
        self._ended = False
        self._graph = False
        self._above: list[tuple[str, Edge]] = []
        self._main: str | None = None
        self._no_time = False

    def line(self, text: str) -> None:
        """Take one line in."""
        stripped = text.strip()
        if stripped.startswith("Flat profile:"):
            self._table = "flat"
        elif stripped.startswith("Call graph"):
            self._table = "graph"
        elif stripped.startswith("Index by function name"):
            self._ended, self._table = True, ""
        elif stripped == "no time accumulated":
            self._no_time = True
        elif self._table == "flat":
            self._flat(text)
        elif self._table == "graph":
            self._graph_line(text)

    def end(self) -> None:
        """Raise Truncated where a table has no end."""
        if self._no_time:
            return
        flat_is_whole = self._percents >= _MOSTLY
        if (self._graph and not self._ended) or not (flat_is_whole or self._graph):
            raise Truncated

    def _flat(self, text: str) -> None:
        if unit := _PER_CALL.match(text):
            self._unit = _UNITS.get(unit[1], 1.0)
            return
        row = _FLAT.fullmatch(text)
        if row is None:
            return
        self._percents += float(row[1])
        name, own = row[7], float(row[3])
        if place := _LINE.fullmatch(name):
            name = f"{place[1]} ({place[2]})"
        function = self._of(name)
        function.own += own
        if place:
            function.path, line = place[2], int(place[3])
            function.first_line = min(function.first_line or line, line)
            self._lines[place[2], line] += own
            if len(self._lines) > _MAX_ENTRIES:
                raise Damaged(f"more than {_MAX_ENTRIES} lines")
        if row[4] is not None:
            function.calls = int(row[4][:18])
            function.total = max(function.total, function.calls * float(row[6]) * self._unit)
        function.total = max(function.total, function.own)

    def _graph_line(self, text: str) -> None:
        """Callers stand above the function's own line, which begins with its number."""
        if self._lines:
            return  # of `gprof -l`: a graph of lines
        if text.startswith("-----"):
            self._above, self._main = [], None
        elif text.startswith("index % time"):
            self._graph = True
        elif main := _MAIN.fullmatch(text):
            name = _FUNCTION.fullmatch(main[4])
            if name and not name[1].startswith("<cycle"):
                self._main = name[1]
                function = self._of(self._main)
                function.own = max(function.own, float(main[1]))
                function.total = max(function.total, float(main[1]) + float(main[2]))
                function.calls = int(main[3][:18]) if main[3] else function.calls
                function.callers.update(self._above)
        elif self._graph and self._main is None and (call := _CALL.fullmatch(text)):
            name = _FUNCTION.fullmatch(call[4])
            if name and len(self._above) < _MAX_ENTRIES:
                edge = Edge(int((call[3] or "0")[:18]), float(call[1]) + float(call[2]))
                self._above.append((name[1], edge))

    def _of(self, name: str) -> _Function:
        name = name[:_MAX_NAME]
        known = self._functions.get(name)
        if known is None:
            if len(self._functions) >= _MAX_ENTRIES:
                raise Damaged(f"more than {_MAX_ENTRIES} functions")
            known = self._functions[name] = _Function()
        return known

    def profile(self, places: Places) -> Profile:
        """All that was told, as a profile."""
        whole = sum(function.own for function in self._functions.values())
        keys: dict[str, Key] = {}
        for name, function in self._functions.items():
            bare = name.removesuffix(f" ({function.path})") if function.path else name
            keys[name] = function.path, function.first_line, bare
        entries: dict[Key, Entry] = {}
        for name, function in self._functions.items():
            callers = {keys[n]: edge for n, edge in function.callers.items() if n in keys}
            total = min(max(function.total, function.own), whole)
            entries[keys[name]] = Entry(function.calls or 0, function.own, total, callers)
        where = {key: places.place(key[0], key[2], key[1] or None) for key in entries}
        lines = [
            LineCost(ours, line, cost, cost)
            for (path, line), cost in sorted(self._lines.items())
            if (ours := places.file(path))
        ]
        return profile_of(entries, where, "gprof", "seconds", sampled=True, lines=tuple(lines))
