"""Reads line_profiler's ``.lprof`` files without unpickling anything.

Such a file is one pickled LineStats: ``{(file, first line, function): [(line, hits, time)]}`` and
the time's unit. The pickle's opcodes are followed by the machine below, which knows numbers,
strings, lists, dicts and tuples; a class or a function that the pickle names becomes an empty
object, and nothing is imported or called. All versions of line_profiler write this shape.

A line's time holds what it calls. What a line spends in other functions of the file is not told: it
is taken out of the lines whose text, as it is now, calls them, in proportion to these lines' times.
"""

from __future__ import annotations

import pickletools
import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from analysis.errors import AnalysisError
from analysis.profiles.damage import Damaged, Truncated
from analysis.profiles.file import ProfileFile
from analysis.profiles.json_stream import as_number
from analysis.profiles.model import CallCost, FunctionCost, LineCost, Profile
from analysis.profiles.places import Place, Places, functions_of
from analysis.source import read_source

MAX_BYTES = 64_000_000
_MAX_STEPS = 8_000_000
_MAX_FUNCTIONS = 100_000
_MAX_LINES = 300_000
_MAX_HITS = 10**18
_MAX_NAME = 2_000
_MAX_LINE = 10_000_000
_MAX_TEXT = 400
"""Of a source line, where calls are looked for."""
_MOST_TRACING_S = 1e-6
"""What the profiler itself takes for one line, at most."""

_CLASS = re.compile(rb"line_profiler[^\n]{0,40}\n?.{0,8}LineStats", re.DOTALL)
_HEAD = 200
_CALLED = re.compile(r"(?<![\w])([A-Za-z_]\w*)\s*\(")
_LOOP = re.compile(r"\s*(?:async\s+)?(?:for|while)\b")


def recognises(head: bytes) -> bool:
    """Whether it begins like a pickle of line_profiler's LineStats."""
    return head[:1] in (b"\x80", b"c") and bool(_CLASS.search(head[:_HEAD]))


def read(file: ProfileFile, places: Places) -> Profile:
    """The profile in an lprof file. Raises Truncated or Damaged."""
    state = _Machine(file.whole(MAX_BYTES)).run()
    told = dict(_named(state))
    unit = told.get("unit")
    if not isinstance(unit, int | float) or not 0 < unit <= 1:
        raise Damaged("a unit that is no part of a second")
    return _profile(_functions(told.get("timings"), unit, places), places)


# -- the pickle ---------------------------------------------------------------------------------


@dataclass(eq=False)
class _Pairs:
    """A dict as it is written: its keys are not hashed, which would walk all that they hold."""

    items: list[tuple[object, object]] = field(default_factory=list)


@dataclass(eq=False)
class _Thing:
    """What stands for a class, for a function, and for an object made by either."""

    state: object = None


_MARK = object()


class _Machine:
    """The pickle machine's stack, for the opcodes that plain data need."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._stack: list[object] = []
        self._memo: dict[int, object] = {}

    def run(self) -> object:
        """The state of the pickled object. Raises Truncated or Damaged."""
        try:
            for steps, (opcode, argument, _) in enumerate(pickletools.genops(self._data)):
                if steps > _MAX_STEPS:
                    raise Damaged(f"more than {_MAX_STEPS} steps")
                if opcode.name == "STOP":
                    break
                self._step(opcode.name, argument)
        except (ValueError, OverflowError, MemoryError) as error:
            cut_off = not self._data.endswith(b".")
            raise (Truncated() if cut_off else Damaged(str(error)[:80])) from error
        except (IndexError, TypeError) as error:
            raise Damaged("a pickle of another shape") from error
        thing = self._stack[-1] if self._stack else None
        if not isinstance(thing, _Thing):
            raise Damaged("it holds no LineStats")
        return thing.state

    def _step(self, name: str, argument: object) -> None:
        push = self._stack.append
        if name in _VALUES:
            push(argument)
        elif name in _CONSTANTS:
            push(_CONSTANTS[name])
        elif name in _EMPTY:
            push(_EMPTY[name]())
        elif name == "MARK":
            push(_MARK)
        elif name in ("GET", "BINGET", "LONG_BINGET"):
            if not isinstance(argument, int) or argument not in self._memo:
                raise Damaged("a reference to nothing")
            push(self._memo[argument])
        elif name in ("PUT", "BINPUT", "LONG_BINPUT"):
            if not isinstance(argument, int):
                raise Damaged("a place that is no number")
            self._memo[argument] = self._stack[-1]
        elif name == "MEMOIZE":
            self._memo[len(self._memo)] = self._stack[-1]
        elif name in ("TUPLE1", "TUPLE2", "TUPLE3"):
            push(tuple(self._pop(int(name[-1]))))
        elif name == "TUPLE":
            push(tuple(self._to_mark()))
        elif name == "LIST":
            push(self._to_mark())
        elif name == "DICT":
            push(_Pairs(_paired(self._to_mark())))
        elif name in ("APPEND", "APPENDS"):
            self._extend(self._pop(1) if name == "APPEND" else self._to_mark())
        elif name in ("SETITEM", "SETITEMS"):
            self._update(self._pop(2) if name == "SETITEM" else self._to_mark())
        elif name == "GLOBAL":
            push(_Thing())
        elif name in ("STACK_GLOBAL", "NEWOBJ", "REDUCE"):
            self._pop(2)
            push(_Thing())
        elif name == "BUILD":
            (state,) = self._pop(1)
            thing = self._stack[-1]
            if not isinstance(thing, _Thing):
                raise Damaged("a state of something that has none")
            thing.state = state
        elif name not in ("PROTO", "FRAME"):
            raise Damaged(f"{name} has no place in a profile")

    def _pop(self, count: int) -> list[object]:
        if len(self._stack) < count:
            raise Damaged("a pickle of another shape")
        popped = self._stack[-count:]
        del self._stack[-count:]
        if any(value is _MARK for value in popped):
            raise Damaged("a pickle of another shape")
        return popped

    def _to_mark(self) -> list[object]:
        popped: list[object] = []
        while self._stack:
            value = self._stack.pop()
            if value is _MARK:
                popped.reverse()
                return popped
            popped.append(value)
        raise Damaged("a pickle of another shape")

    def _extend(self, values: list[object]) -> None:
        into = self._stack[-1]
        if not isinstance(into, list):
            raise Damaged("members of something that has none")
        into.extend(values)

    def _update(self, values: list[object]) -> None:
        into = self._stack[-1]
        if not isinstance(into, _Pairs):
            raise Damaged("members of something that has none")
        into.items.extend(_paired(values))


_NUMBERS = ["INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"]
_TEXTS = ["UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"]
_OLD_TEXTS = ["STRING", "BINSTRING", "SHORT_BINSTRING"]
_VALUES = frozenset([*_NUMBERS, *_TEXTS, *_OLD_TEXTS])
_CONSTANTS: dict[str, object] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_EMPTY: dict[str, Callable[[], object]] = {
    "EMPTY_DICT": _Pairs, "EMPTY_LIST": list, "EMPTY_TUPLE": tuple,
}  # fmt: skip


def _paired(values: list[object]) -> list[tuple[object, object]]:
    if len(values) % 2:
        raise Damaged("a key without a value")
    return list(zip(values[::2], values[1::2], strict=True))


def _named(state: object) -> list[tuple[str, object]]:
    if not isinstance(state, _Pairs):
        raise Damaged("a LineStats without a state")
    return [(key, value) for key, value in state.items if isinstance(key, str)]


# -- the profile --------------------------------------------------------------------------------


@dataclass
class _Line:
    number: int
    hits: int
    time: float
    called: float = 0.0


@dataclass
class _Function:
    path: str
    name: str
    line: int
    place: Place | None
    lines: list[_Line]

    @property
    def total(self) -> float:
        """Seconds, with what it calls."""
        return sum(line.time for line in self.lines)

    @property
    def called(self) -> float:
        """Seconds of these in other functions of the profile."""
        return sum(line.called for line in self.lines)


def _functions(timings: object, unit: float, places: Places) -> list[_Function]:
    if not isinstance(timings, _Pairs) or len(timings.items) > _MAX_FUNCTIONS:
        raise Damaged("its times are of another shape")
    found: list[_Function] = []
    seen = 0
    for key, rows in timings.items:
        match key:
            case (str() as path, int() as first, str() as name):
                path, name = path[:_MAX_NAME], name[:_MAX_NAME]
            case _:
                raise Damaged("a function's name has another shape")
        if not isinstance(rows, list):
            raise Damaged("a function's lines are no list")
        seen += len(rows)
        if seen > _MAX_LINES:  # one list may be that of many functions
            raise Damaged(f"more than {_MAX_LINES} lines")
        lines = [_line(row, unit) for row in rows]
        first = first if 0 < first < _MAX_LINE else 0
        found.append(_Function(path, name, first, places.place(path, name, first or None), lines))
    return found


def _line(row: object, unit: float) -> _Line:
    match row:
        case (int() as number, int() as hits, int() | float() as time):
            if not 0 <= number < _MAX_LINE or not 0 <= hits < _MAX_HITS or abs(time) > _MAX_HITS:
                raise Damaged("a line that no file has")
            return _Line(number, hits, max(0.0, as_number(time)) * unit)
    raise Damaged("a line's times have another shape")


def _profile(functions: list[_Function], places: Places) -> Profile:
    texts = {f.path: _source(places.file(f.path)) for f in functions}
    edges = _take_out_calls(functions, texts)
    # Without the profiler's own work, which the totals of callers still hold.
    whole = sum(max(0.0, function.total - function.called) for function in functions)
    costs = []
    for function in functions:
        own = max(0.0, function.total - function.called)
        place = function.place
        path, name, line = (
            (place.path, place.name, place.line)
            if place
            else (function.path, function.name, function.line)
        )
        total, calls = min(function.total, whole), _calls_of(function, texts)
        costs.append(FunctionCost(path, name, line, own, total, own, calls))
    lines = [
        LineCost(ours, n.number, max(0.0, n.time - n.called), min(n.time, whole), None, n.hits)
        for function in functions
        if (ours := places.file(function.path))
        for n in function.lines
    ]
    return Profile(
        tool="line_profiler",
        unit="seconds",
        total=whole,
        functions=tuple(costs),
        lines=tuple(sorted(lines, key=lambda n: (n.path, n.line))),
        calls=edges,
    )


def _source(path: str | None) -> list[str]:
    try:
        return read_source(Path(path)).text.splitlines() if path else []
    except AnalysisError:
        return []


def _text(texts: dict[str, list[str]], path: str, line: int) -> str:
    known = texts[path]
    return known[line - 1][:_MAX_TEXT] if 0 < line <= len(known) else ""


def _calls_of(function: _Function, texts: dict[str, list[str]]) -> int | None:
    """How often it was called: the hits of its first line, unless that is a loop."""
    if not function.lines:
        return 0
    first = min(function.lines, key=lambda line: line.number)
    text = _text(texts, function.path, first.number)
    return None if not text or _LOOP.match(text) else first.hits


def _take_out_calls(
    functions: list[_Function], texts: dict[str, list[str]]
) -> tuple[CallCost, ...]:
    """Say of each line what it spends in other functions of the profile."""
    by_name: defaultdict[str, list[int]] = defaultdict(list)
    for number, function in enumerate(functions):
        for name in _callable_as(function):
            by_name[name].append(number)
    callers: defaultdict[int, list[tuple[int, _Line]]] = defaultdict(list)
    for number, function in enumerate(functions):
        for line in function.lines:
            if line.time > 0:
                names = set(_CALLED.findall(_text(texts, function.path, line.number)))
                for callee in {n for name in names for n in by_name.get(name, ())} - {number}:
                    callers[callee].append((number, line))
    edges: defaultdict[tuple[int, int], float] = defaultdict(float)
    traced: defaultdict[int, float] = defaultdict(float)
    calling: dict[int, _Line] = {}
    for callee, lines in callers.items():
        whole, total = sum(line.time for _, line in lines), functions[callee].total
        for caller, line in lines:
            part = min(line.time - line.called, total * line.time / whole)
            line.called += part
            edges[caller, callee] += part
            calling[id(line)] = line
            traced[id(line)] += sum(n.hits for n in functions[callee].lines) * line.time / whole
    _take_out_tracing([(line, traced[key]) for key, line in calling.items()])
    return tuple(CallCost(a, b, None, cost) for (a, b), cost in edges.items() if cost > 0)


def _take_out_tracing(calling: list[tuple[_Line, float]]) -> None:
    """Take the profiler's own work out of lines that call functions in which it looks at lines.

    It falls between the lines of the callee and so on the line that calls: there, what is left is
    taken for it, as the mean for each line that was run, up to what a tracer can take.
    """
    hits = sum(traced for _, traced in calling)
    rest = sum(line.time - line.called for line, _ in calling)
    each = min(_MOST_TRACING_S, rest / hits) if hits else 0.0
    for line, traced in calling:
        line.called = min(line.time, line.called + each * traced)


def _callable_as(function: _Function) -> set[str]:
    """The names by which source calls it: its own, and its class's for what makes an object."""
    simple = function.name.rsplit(".", 1)[-1]
    if simple not in ("__init__", "__new__", "__call__"):
        return {simple}
    if function.place is None:
        return set()
    around = [
        f.qualname.split(".")
        for f in functions_of(function.place.path)
        if f.name == simple and f.first_line + 1 == function.place.line
    ]
    return {parts[-2] for parts in around if len(parts) > 1}
