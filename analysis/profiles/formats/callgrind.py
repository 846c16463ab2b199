"""Reads callgrind's and cachegrind's out files.

The format is https://valgrind.org/docs/manual/cl-format.html: names are written once and then by
number, lines relative to the one before, a call with what it cost on behalf of its caller. Others
write it too: yappi, google-pprof and pyprof2calltree. A file may hold several parts (dumps, threads
of one run), which are added up.

Of several events the first is counted that says instructions or time; one that is neither (cache
misses, samples) counts as samples. What a function costs in total is its own cost and that of its
calls; among functions that call each other in a circle that is more than there was, so no total
passes the whole.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from analysis.profiles.call_graph import Edge, Entry, Key
from analysis.profiles.call_table import profile_of
from analysis.profiles.damage import Damaged, Truncated
from analysis.profiles.file import ProfileFile
from analysis.profiles.model import LineCost, Profile, Unit
from analysis.profiles.places import Place, Places

MAX_NAMES = 1_000_000
MAX_NAME_CHARS = 64_000_000
MAX_ENTRIES = 2_000_000
"""Of functions, of calls between them, and of lines."""
_MAX_NAME = 2_000
_MAX_COST = 1e18
_MAX_DIGITS = 20
_MAX_LINE = 10_000_000
UNKNOWN = "???"
"""How the format says that a file or a function is not known."""

_BEGINS = re.compile(
    rb"(?:\s|#[^\n]*\n)*(?:# callgrind format|(?:version|creator|desc|cmd|events|positions):)"
)
_NAME = re.compile(r"\((\d{1,9})\)(?: (.*))?")
_EVENTS = re.compile(rb"^events:", re.MULTILINE)
_UNITS: dict[str, tuple[Unit, float]] = {
    "ir": ("instructions", 1.0),
    "instructions": ("instructions", 1.0),
    "ns": ("seconds", 1e-9),
    "nanoseconds": ("seconds", 1e-9),
    "us": ("seconds", 1e-6),
    "microseconds": ("seconds", 1e-6),
    "ms": ("seconds", 1e-3),
    "milliseconds": ("seconds", 1e-3),
    "seconds": ("seconds", 1.0),
    "bytes": ("bytes", 1.0),
}
_COST_BEGINS = frozenset("0123456789+-*")
_WITH_SUMS = ("callgrind", "cachegrind")
"""Their files end with the sum of all costs."""

Function = tuple[str, str]
"""A function as the file names it: its file and its name."""


def recognises(head: bytes) -> bool:
    """Whether it begins with a header of this format and says which events it counts."""
    if not _BEGINS.match(head):
        return False
    return head.lstrip().startswith(b"# callgrind format") or bool(_EVENTS.search(head))


def read(file: ProfileFile, places: Places) -> Profile:
    """The profile in an out file. Raises Truncated or Damaged."""
    table = _Table(places)
    broken = False
    for raw in file.lines():
        if broken:
            raise Damaged("a line that is neither a cost, a name nor a header")
        line = raw.decode("utf-8", "replace")
        broken = not table.line(line)
    if broken or table.is_cut_off():
        raise Truncated
    return table.profile()


@dataclass
class _Costs:
    """What the file says of one function."""

    own: float = 0.0
    has_own: bool = False
    first_line: int = 0
    calls: dict[Function, Edge] = field(default_factory=dict)

    def below(self, function: Function) -> float:
        """What it spent in other functions than `function`, which is itself."""
        return sum(edge.total for callee, edge in self.calls.items() if callee != function)


class _Names:
    """One space of names: each is written once, and from then on by its number."""

    def __init__(self) -> None:
        self._by_number: dict[str, str] = {}
        self._seen: dict[str, str] = {}
        self._chars = 0

    def __len__(self) -> int:
        return len(self._seen)

    def name(self, text: str) -> str:
        match = _NAME.fullmatch(text)
        if match is None:
            return self._kept(text)
        number, name = match.groups()
        if name is None:
            return self._by_number.get(number, UNKNOWN)
        if len(self._by_number) >= MAX_NAMES and number not in self._by_number:
            raise Damaged(f"more than {MAX_NAMES} names")
        self._by_number[number] = kept = self._kept(name)
        return kept

    def _kept(self, name: str) -> str:
        name = name[:_MAX_NAME]
        known = self._seen.get(name)
        if known is None:
            known = self._seen[name] = name
            self._chars += len(name)
            if len(self._seen) > MAX_NAMES or self._chars > MAX_NAME_CHARS:
                raise Damaged(f"more than {MAX_NAMES} names")
        return known


class _Table:
    """Where in the file the reading is, and what was added up so far."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._files, self._functions = _Names(), _Names()
        self._tool, self._event, self._at_event = "cachegrind", "", 0  # which names no creator
        self._columns = 1  # of the position; the line is the last of them
        self._file = self._cost_file = UNKNOWN
        self._function: Function | None = None
        self._who: _Costs | None = None
        self._ours: str | None = None
        self._called_file: str | None = None
        self._called = ""
        self._call_count: int | None = None
        self._last = [0, 0]
        self._costs: dict[Function, _Costs] = {}
        self._own: defaultdict[tuple[str, int], float] = defaultdict(float)
        self._below: defaultdict[tuple[str, int], float] = defaultdict(float)
        self._library: defaultdict[tuple[str, int], float] = defaultdict(float)
        self._edges = 0
        self._summary: float | None = None
        self._promised = 0.0
        self._ends = False

    # -- lines of the file ----------------------------------------------------------------------

    def line(self, text: str) -> bool:
        """Take one line in; False when it is none of the format's. Raises Damaged."""
        first = text[:1]
        if first in _COST_BEGINS:
            return self._cost(text)
        if not text.strip() or first == "#":
            return True
        key, equals, value = text.partition("=")
        if equals and key.isalpha():
            return self._named(key, value.strip())
        key, colon, value = text.partition(":")
        if colon and key.replace(" ", "").isalnum():
            return self._header(key.strip(), value.strip())
        return False

    def _header(self, key: str, value: str) -> bool:
        match key:
            case "creator":
                self._tool = re.split(r"[-\s]", value.lower(), maxsplit=1)[0][:40] or "callgrind"
            case "positions":
                self._columns = max(1, min(2, len(value.split())))
            case "events":
                self._pick(value.lower().split())
            case "part":
                self._last = [0, 0]
            case "summary" | "totals":
                return self._sum(key, value)
        return True

    def _pick(self, events: list[str]) -> None:
        event = next((e for e in events if e in _UNITS), events[0] if events else "")
        if self._event and event != self._event:
            raise Damaged("its parts count different events")
        self._event, self._at_event = event, events.index(event) if events else 0

    def _sum(self, key: str, value: str) -> bool:
        numbers = value.split()
        if self._at_event < len(numbers):
            cost = _number(numbers[self._at_event])
            if cost is None:
                return False
            # callgrind says a part's sum before it and behind it, cachegrind behind it.
            if key == "summary":
                self._promised += cost
            self._ends = self._ends or bool(self._costs)
        return True

    def _named(self, key: str, value: str) -> bool:
        match key:
            case "fl":
                self._file = self._files.name(value)
                self._costs_in(self._file)
            case "fi" | "fe":
                self._costs_in(self._files.name(value))
            case "fn":
                self._function = self._file, self._functions.name(value)
                self._who = None  # a name alone is no function that ran
                self._costs_in(self._file)
            case "cfi" | "cfl":
                self._called_file = self._files.name(value)
            case "cfn":
                self._called = self._functions.name(value)
            case "calls":
                count = _number(value.split(" ", 1)[0])
                if count is None:
                    return False
                self._call_count = int(count)
            case "ob" | "cob" | "jump" | "jcnd" | "jfi" | "jfn":
                pass
            case _:
                return False
        return True

    def _cost(self, text: str) -> bool:
        """A position and its costs: most lines of a file, so with few calls."""
        words = text.split()
        columns, at = self._columns, self._columns + self._at_event
        who = self._who
        if who is None and self._function is not None:
            who = self._who = self._of(self._function)
        if len(words) < columns or who is None or not self._event:
            return False
        for column in range(columns):
            word = words[column]
            if word != "*":
                number = _integer(word)
                if number is None:
                    return False
                self._last[column] = number + (self._last[column] if word[0] in "+-" else 0)
        cost = _number(words[at]) if at < len(words) else 0.0
        if cost is None:
            return False
        line = self._last[columns - 1]
        ours = self._ours if 0 < line < _MAX_LINE else None
        if self._call_count is not None:
            called_file = self._called_file or self._cost_file
            self._call(who, cost)
            if ours:
                self._below[ours, line] += cost
                if self._places.file(called_file) is None:
                    self._library[ours, line] += cost
        else:
            who.own += cost
            who.has_own = True
            if not who.first_line and 0 < line < _MAX_LINE and self._cost_file is self._file:
                who.first_line = line
            if ours:
                self._own[ours, line] += cost
        if ours and len(self._own) + len(self._below) > MAX_ENTRIES:
            raise Damaged(f"more than {MAX_ENTRIES} lines")
        return True

    def _costs_in(self, file: str) -> None:
        self._cost_file, self._ours = file, self._places.file(file)

    def _call(self, caller: _Costs, cost: float) -> None:
        callee = self._called_file or self._cost_file, self._called
        self._of(callee)
        edge = caller.calls.get(callee)
        if edge is None:
            self._edges += 1
            if self._edges > MAX_ENTRIES:
                raise Damaged(f"more than {MAX_ENTRIES} calls between functions")
            edge = caller.calls[callee] = Edge(0, 0.0)
        edge.calls += self._call_count or 0
        edge.total += cost
        self._called_file = self._call_count = None

    def _of(self, function: Function) -> _Costs:
        known = self._costs.get(function)
        if known is None:
            if len(self._costs) >= MAX_ENTRIES:
                raise Damaged(f"more than {MAX_ENTRIES} functions")
            known = self._costs[function] = _Costs()
        return known

    # -- the profile ----------------------------------------------------------------------------

    def is_cut_off(self) -> bool:
        """Whether less was found than the file promises, or the sum behind it is missing."""
        if not self._costs and (self._files or self._functions):
            return True
        if self._tool == "yappi":  # which names all functions first, then gives each its cost
            told = {name for (_, name), costs in self._costs.items() if costs.has_own}
            return len(told) < len(self._functions)
        own = sum(costs.own for costs in self._costs.values())
        if self._tool in _WITH_SUMS and self._event == "ir" and not self._ends:
            return True
        return own < self._promised * (1 - 1e-9)

    def profile(self) -> Profile:
        unit, scale = _UNITS.get(self._event, ("samples", 1.0))
        tool = self._tool
        if tool == "yappi":  # "Ticks", and they are microseconds
            unit, scale = "seconds", 1e-6
        hits = self._event == "hits"  # of google-pprof, whose calls are samples too
        keys = {function: self._key(function, costs) for function, costs in self._costs.items()}
        whole = self._whole()
        entries: dict[Key, Entry] = {key: Entry(0, 0.0, 0.0) for key in keys.values()}
        for function, costs in self._costs.items():
            entry = entries[keys[function]]
            entry.self_s += costs.own * scale
            total = costs.own + costs.below(function)
            entry.total_s = min(entry.total_s + total * scale, whole * scale)
            for callee, edge in costs.calls.items():
                called = entries[keys[callee]]
                called.calls += int(edge.calls)
                known = called.callers.setdefault(keys[function], Edge(0, 0.0))
                known.calls += edge.calls
                known.total += edge.total * scale
        where = {key: self._place(key) for key in entries}
        return profile_of(
            entries,
            where,
            "gperftools" if hits else tool,
            unit,
            sampled=unit == "samples",
            counted=not hits,
            # yappi has a function's cost at its first line
            lines=() if tool == "yappi" else tuple(self._lines(scale)),
        )

    def _whole(self) -> float:
        """What the run cost: all own costs, or what a function took that nobody called.

        That one is in no circle, so its total is what there was; yappi leaves out builtins' costs.
        """
        own = sum(costs.own for costs in self._costs.values())
        if self._tool != "yappi":
            return own
        called = {callee for costs in self._costs.values() for callee in costs.calls}
        outermost = (
            costs.own + costs.below(function)
            for function, costs in self._costs.items()
            if function not in called
        )
        return max(own, max(outermost, default=0.0))

    def _key(self, function: Function, costs: _Costs) -> Key:
        path, name = function
        line = costs.first_line
        if self._tool == "yappi":  # "Grid.fill /home/me/grids.py:9"
            name, _, tail = name.partition(f" {path}:")
            line = _integer(tail) or line
        return "" if path == UNKNOWN else path, line, name.split("'")[0]

    def _place(self, key: Key) -> Place | None:
        path, line, name = key
        if self._tool != "yappi":
            # The first line may be of a function that was inlined here: the name knows better.
            named = self._places.place(path, name, None)
            if named is None or named.line:
                return named
        return self._places.place(path, name, line or None)

    def _lines(self, scale: float) -> Iterator[LineCost]:
        for path, line in sorted(self._own.keys() | self._below.keys()):
            own = self._own.get((path, line), 0.0) * scale
            below, library = (
                costs.get((path, line), 0.0) * scale for costs in (self._below, self._library)
            )
            yield LineCost(path, line, own, own + below, direct_cost=own + library)


def _integer(text: str) -> int | None:
    """A number, decimal or hexadecimal, as the format has them; None for other text."""
    if len(text) > _MAX_DIGITS:
        return None
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return int(text, 16) if "0x" in text else None
    except ValueError:
        return None


def _number(text: str) -> float | None:
    """A cost: an integer; some tools write fractions."""
    whole = _integer(text)
    if whole is not None:
        return float(whole) if whole >= 0 else None
    try:
        value = float(text) if len(text) <= _MAX_DIGITS else -1.0
    except ValueError:
        return None
    return value if 0 <= value < _MAX_COST else None
