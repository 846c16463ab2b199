"""Reads pprof's profile.proto, packed with gzip or not.

https://github.com/google/pprof/blob/main/proto/profile.proto. Go's runtime, google-pprof, py-spy's
relatives and many services write it. Of several sample types the time-like is taken, the CPU's
first, else bytes allocated, else allocations, else the count; a count whose period is a time gives
time. A location may be several functions, inlined into each other.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from itertools import islice

from analysis.errors import AnalysisError
from analysis.profiles.damage import Damaged, Truncated
from analysis.profiles.file import ProfileFile
from analysis.profiles.model import Profile, Unit
from analysis.profiles.places import Places
from analysis.profiles.protobuf import LENGTH, VARINT, Field, fields, numbers, signed
from analysis.profiles.tally import MAX_DEPTH, Tally

MAX_BYTES = 128_000_000
_MAX_STRINGS = 2_000_000
_MAX_FUNCTIONS = 500_000
_MAX_LOCATIONS = 1_000_000
_MAX_SAMPLES = 10_000_000
_MAX_TYPES = 64
_MAX_INLINED = 200
_MAX_NAME = 2_000
_LOOK_EVERY = 20_000
_SURELY = 4
"""Fields by which a damaged file is known."""

_SAMPLE_TYPE, _SAMPLE, _MAPPING, _LOCATION, _FUNCTION, _STRING = 1, 2, 3, 4, 5, 6
_PERIOD_TYPE, _PERIOD, _DEFAULT_TYPE = 11, 12, 14
_WIRES = {
    **dict.fromkeys((1, 2, 3, 4, 5, 6, 11), (LENGTH,)),
    **dict.fromkeys((7, 8, 9, 10, 12, 14, 15), (VARINT,)),
    13: (VARINT, LENGTH),
}
_SECONDS = {"nanoseconds": 1e-9, "microseconds": 1e-6, "milliseconds": 1e-3, "seconds": 1.0}
_TIMES = ("cpu", "wall", "time")
_BYTES = ("alloc_space", "alloc-space", "inuse_space", "inuse-space", "space")
_ALLOCATIONS = ("alloc_objects", "alloc-samples", "inuse_objects", "objects")


def recognises(head: bytes) -> bool:
    """Whether it begins with two fields at least as a profile has them, of which one is a type."""
    found = []
    try:
        for number, wire, at, end in islice(fields(head, 0, len(head)), 200):
            wrong = wire not in _WIRES.get(number, ())
            if wrong or (number == _SAMPLE_TYPE and not _is_type(head, at, end)):
                raise Damaged("no field of a profile")
            found.append(number)
    except Truncated:
        pass  # the head ends somewhere
    except Damaged:  # what begins well is a profile all the same
        return len(found) >= _SURELY and _SAMPLE_TYPE in found
    return len(found) >= 2 and (_SAMPLE_TYPE in found or _SAMPLE in found)


def read(file: ProfileFile, places: Places) -> Profile:
    """The profile in a profile.proto file.

    Raises Truncated or Damaged, and AnalysisError (profile-needs-tool) when it has addresses only.
    """
    return _Reader(file, places).profile()


def _is_type(data: bytes, start: int, end: int) -> bool:
    try:
        return all(n in (1, 2) and wire == VARINT for n, wire, _, _ in fields(data, start, end))
    except (Truncated, Damaged):
        return False


@dataclass
class _Index:
    """Where in the bytes the parts of the profile stand."""

    types: list[tuple[int, int]] = field(default_factory=list)
    samples: array[int] = field(default_factory=lambda: array("q"))
    locations: array[int] = field(default_factory=lambda: array("q"))
    functions: array[int] = field(default_factory=lambda: array("q"))
    strings: array[int] = field(default_factory=lambda: array("q"))
    period: int = 0
    period_type: tuple[int, int] = (0, 0)
    default_type: int = 0


@dataclass(frozen=True)
class _Function:
    name: str
    path: str
    line: int


class _Reader:
    def __init__(self, file: ProfileFile, places: Places) -> None:
        self._file = file
        self._data = file.whole(MAX_BYTES)
        self._tally = Tally(places)
        self._index = self._indexed()
        self._texts: dict[int, str] = {}

    def _indexed(self) -> _Index:
        found, limits = (
            _Index(),
            {
                _SAMPLE: ("samples", _MAX_SAMPLES),
                _LOCATION: ("locations", _MAX_LOCATIONS),
                _FUNCTION: ("functions", _MAX_FUNCTIONS),
                _STRING: ("strings", _MAX_STRINGS),
            },
        )
        for number, wire, at, end in fields(self._data, 0, len(self._data)):
            if wire not in _WIRES.get(number, (wire,)):
                raise Damaged(f"field {number} is of another kind")
            if number in limits:
                name, limit = limits[number]
                ranges: array[int] = getattr(found, name)
                if len(ranges) >= 2 * limit:
                    raise Damaged(f"more than {limit} {name}")
                ranges.extend((at, end))
            elif number == _SAMPLE_TYPE:
                found.types.append(self._type(at, end))
                if len(found.types) > _MAX_TYPES:
                    raise Damaged(f"more than {_MAX_TYPES} types of samples")
            elif number == _PERIOD_TYPE:
                found.period_type = self._type(at, end)
            elif number == _PERIOD:
                found.period = max(0, signed(at))
            elif number == _DEFAULT_TYPE:
                found.default_type = at
        return found

    def _type(self, start: int, end: int) -> tuple[int, int]:
        told = self._plain(start, end)
        return told.get(1, 0), told.get(2, 0)

    def _plain(self, start: int, end: int) -> dict[int, int]:
        """The numbers of a message; of a repeated one the last."""
        return {n: at for n, wire, at, _ in fields(self._data, start, end) if wire == VARINT}

    def _text(self, number: int) -> str:
        known = self._texts.get(number)
        if known is None:
            ranges = self._index.strings
            if number >= len(ranges) // 2:
                raise Truncated  # names stand at the end
            start = ranges[2 * number]
            end = min(ranges[2 * number + 1], start + _MAX_NAME)
            known = self._texts[number] = self._data[start:end].decode("utf-8", "replace")
        return known

    def profile(self) -> Profile:
        column, unit, scale = self._choice()
        frames = self._frames(self._functions())
        for number in range(len(self._index.samples) // 2):
            if not number % _LOOK_EVERY:
                self._file.moved(self._file.size)
            stack, value = self._sample(number, column)
            if value > 0:
                self._tally.add(
                    (frame for place in reversed(stack) for frame in _known(frames, place)),
                    value * scale,
                )
        return self._tally.profile("pprof", unit, sampled=True)

    def _choice(self) -> tuple[int, Unit, float]:
        """Which of a sample's values counts, in which unit, and what it is multiplied by."""
        types = [(self._text(kind), self._text(unit)) for kind, unit in self._index.types]
        if not types:
            raise Damaged("it does not say what its samples count")
        timed = [n for n, (_, unit) in enumerate(types) if unit in _SECONDS]
        for name in (*_TIMES, None):
            for n in timed:
                if name is None or types[n][0].lower() == name:
                    return n, "seconds", _SECONDS[types[n][1]]
        default = self._text(self._index.default_type)
        kinds: list[tuple[tuple[str, ...], Unit]] = [
            (_BYTES, "bytes"), (_ALLOCATIONS, "allocations")
        ]  # fmt: skip
        for names, counted in kinds:
            for name in (default, *names):
                for n, (kind, unit) in enumerate(types):
                    if kind == name and name in names and unit in ("bytes", "count", ""):
                        return n, counted, 1.0
        n = next((n for n, (kind, _) in enumerate(types) if kind == default), 0)
        if types[n][1] == "bytes":
            return n, "bytes", 1.0
        kind, unit = (self._text(number).lower() for number in self._index.period_type)
        counted_in_time = kind in _TIMES and unit in _SECONDS and self._index.period > 0
        if counted_in_time and types[n][1] in ("count", ""):
            return n, "seconds", self._index.period * _SECONDS[unit]
        return n, "samples", 1.0

    def _functions(self) -> dict[int, _Function]:
        found = {}
        ranges = self._index.functions
        for n in range(0, len(ranges), 2):
            told = self._plain(ranges[n], ranges[n + 1])
            name = self._text(told.get(2, 0)) or self._text(told.get(3, 0))
            line = told.get(5, 0)
            found[told.get(1, 0)] = _Function(name, self._text(told.get(4, 0)), line)
        return found

    def _frames(self, functions: dict[int, _Function]) -> dict[int, tuple[int, ...]]:
        """Of each location its frames, the outermost first."""
        found: dict[int, tuple[int, ...]] = {}
        ranges = self._index.locations
        named = False
        for n in range(0, len(ranges), 2):
            number = address = 0
            frames: list[int] = []
            for key, wire, at, end in fields(self._data, ranges[n], ranges[n + 1]):
                if key == 1 and wire == VARINT:
                    number = at
                elif key == 3 and wire == VARINT:
                    address = at
                elif key == 4 and wire == LENGTH:
                    frames.append(self._frame(at, end, functions))
                    if len(frames) > _MAX_INLINED:
                        raise Damaged(f"more than {_MAX_INLINED} functions at one place")
            named = named or bool(frames)
            found[number] = tuple(reversed(frames)) or (
                self._tally.frame("", f"0x{address:x}", None, native=True),
            )
        if found and not named:
            raise _no_names(self._file)
        return found

    def _frame(self, start: int, end: int, functions: dict[int, _Function]) -> int:
        told = self._plain(start, end)
        function = functions.get(told.get(1, 0))
        if function is None:
            raise Damaged("a place in a function that is not there")
        line = max(0, signed(told.get(2, 0)))
        first = max(0, signed(function.line))
        return self._tally.frame(
            function.path, function.name, first or line or None, runs=line if first else None
        )

    def _sample(self, number: int, column: int) -> tuple[list[int], int]:
        start, end = self._index.samples[2 * number : 2 * number + 2]
        stack: list[int] = []
        values: list[int] = []
        for told in fields(self._data, start, end):
            if told[0] == 1:
                self._take(told, stack, MAX_DEPTH)
            elif told[0] == 2:
                self._take(told, values, _MAX_TYPES)
        if column >= len(values):
            raise Damaged("a sample with fewer values than types")
        return stack, signed(values[column])

    def _take(self, told: Field, into: list[int], most: int) -> None:
        into.extend(islice(numbers(self._data, told), most + 1 - len(into)))
        if len(into) > most:
            raise Damaged(f"a sample of more than {most} frames or values")


def _known(frames: dict[int, tuple[int, ...]], place: int) -> tuple[int, ...]:
    known = frames.get(place)
    if known is None:
        raise Damaged("a stack names a place that is not there")
    return known


def _no_names(file: ProfileFile) -> AnalysisError:
    return AnalysisError(
        f"{file.path}: the profile (pprof) has addresses only, no names of functions",
        code="profile-needs-tool",
        mend=f"put the names in: pprof -proto -output named.pb.gz PROGRAM {file.path.name}",
    )
