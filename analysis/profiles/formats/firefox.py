"""Reads the profiles of the Firefox Profiler: samply's, Firefox's own, and saved ones.

https://github.com/firefox-devtools/profiler/tree/main/docs-developer describes both forms: the
processed one, whose tables are columns ({"prefix": [...], "frame": [...]}), one set per thread or
shared by all, and Gecko's, whose tables are rows behind a schema and whose frames are texts
("f (file.js:12:3)"). A sample counts its weight, else once, and lasts the profile's interval.
"""

from __future__ import annotations

import re
from array import array
from dataclasses import dataclass, field
from typing import Any

from analysis.profiles.damage import Damaged
from analysis.profiles.file import ProfileFile
from analysis.profiles.frame_names import is_library, parse_frame
from analysis.profiles.json_cursor import Cursor
from analysis.profiles.json_stream import as_list, as_number, looks_like_json
from analysis.profiles.model import Profile, Unit
from analysis.profiles.places import Places
from analysis.profiles.tally import MAX_DEPTH, MAX_NODES, ROOT, Tally

_MAX_ROWS = 5_000_000
_MAX_STRINGS = 2_000_000
_MAX_STRING_CHARS = 2_000
_MAX_TEXT_CHARS = 200_000_000
_MAX_PROCESSES = 1_000
_NONE = -1
_INTS = {
    "stackTable": ("prefix", "frame"),
    "frameTable": ("func", "line", "location"),
    "funcTable": ("name", "fileName", "source", "resource", "lineNumber"),
    "resourceTable": ("name",),
    "sources": ("filename",),
    "samples": ("stack",),
}
_LOCATION = re.compile(r"(.*?) \((.+?)(?::(\d{1,9}))?(?::\d{1,9})?\)(?:\[\d+:\d+\])?", re.DOTALL)

Columns = dict[str, "array[int]"]


@dataclass
class _Tables:
    """What stacks are made of: one set for all threads, or one each."""

    columns: dict[str, Columns] = field(default_factory=dict)
    strings: list[str] = field(default_factory=list)
    nodes: array[int] = field(default_factory=lambda: array("i"))

    def column(self, table: str, name: str) -> array[int]:
        return self.columns.get(table, {}).get(name, array("q"))


@dataclass
class _Samples:
    """The samples of one thread."""

    weights: array[float] | None = None
    weight_type: str = "samples"


def recognises(head: bytes) -> bool:
    """Whether it is an object with a profile's meta data and threads."""
    if not looks_like_json(head):
        return False
    if b'"stackTable"' in head or b'"preprocessedProfileVersion"' in head:
        return True
    return b'"meta"' in head and b'"interval"' in head and (
        b'"processType"' in head or b'"stackwalk"' in head or b'"threads"' in head
    )  # fmt: skip


def read(file: ProfileFile, places: Places) -> Profile:
    """The profile in a file of the Firefox Profiler. Raises Truncated or Damaged."""
    file.passes = 2
    reader = _Reader(Tally(places))
    # Meta data and shared tables may stand behind the threads that need them.
    with Cursor(file) as cursor:
        reader.read_head(cursor)
        cursor.end()
    with Cursor(file) as cursor:
        reader.read_threads(cursor)
    return reader.profile()


class _Reader:
    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._product, self._interval = "Firefox Profiler", 0.0
        self._shared = _Tables()
        self._unit: str | None = None
        self._chars = 0
        self._processes = 0

    def profile(self) -> Profile:
        unit: Unit = "seconds"
        scale = 1e-3
        if self._unit == "bytes":
            unit, scale = "bytes", 1.0
        elif self._unit != "tracing-ms" and not self._interval > 0:
            unit, scale = "samples", 1.0
        elif self._unit != "tracing-ms":
            scale *= self._interval
        return self._tally.profile(self._product, unit, sampled=True, scale=scale)

    def read_head(self, cursor: Cursor) -> None:
        for key in cursor.members():
            if key == "meta":
                for member in cursor.members():
                    if member == "interval":
                        self._interval = as_number(cursor.value())
                    elif member in ("product", "importedFrom"):
                        self._product = str(cursor.value())[:40] or self._product
            elif key == "shared":
                for member in cursor.members():
                    self._read_member(cursor, member, self._shared)

    def read_threads(self, cursor: Cursor) -> None:
        for key in cursor.members():
            if key == "threads":
                for _ in cursor.elements():
                    if cursor.kind() == "{":  # Gecko's processes may be texts of JSON
                        self._read_thread(cursor)
            elif key == "processes":
                for _ in cursor.elements():
                    self._processes += 1
                    if self._processes > _MAX_PROCESSES:
                        raise Damaged(f"more than {_MAX_PROCESSES} processes")
                    if cursor.kind() == "{":
                        self.read_threads(cursor)

    def _read_thread(self, cursor: Cursor) -> None:
        tables, samples = _Tables(), _Samples()
        for key in cursor.members():
            if key == "samples":
                self._read_samples(cursor, tables, samples)
            else:
                self._read_member(cursor, key, tables)
        if not tables.column("samples", "stack"):
            return
        if samples.weight_type not in ("samples", "tracing-ms", "bytes"):
            raise Damaged("weights of an unknown kind")
        # Weights of several kinds can't be added: what comes first counts.
        self._unit = self._unit or samples.weight_type
        if samples.weight_type != self._unit:
            return
        self._add(tables if "stackTable" in tables.columns else self._shared, tables, samples)

    def _read_member(self, cursor: Cursor, key: str, tables: _Tables) -> None:
        if key in ("stringArray", "stringTable"):
            if cursor.kind() == "[":
                tables.strings = self._read_strings(cursor)
            else:  # {"_array": [...]} of old versions
                for member in cursor.members():
                    if member == "_array":
                        tables.strings = self._read_strings(cursor)
        elif key in _INTS and key != "samples":
            tables.columns[key] = _read_table(cursor, _INTS[key])

    def _read_strings(self, cursor: Cursor) -> list[str]:
        strings: list[str] = []
        for text in cursor.values():
            cut = text[:_MAX_STRING_CHARS] if isinstance(text, str) else ""
            self._chars += len(cut)
            if len(strings) >= _MAX_STRINGS or self._chars > _MAX_TEXT_CHARS:
                raise Damaged("more names than any program has")
            strings.append(cut)
        return strings

    def _read_samples(self, cursor: Cursor, tables: _Tables, samples: _Samples) -> None:
        columns: Columns = {}
        for key in cursor.members():
            if key == "weight" and cursor.kind() == "[":
                samples.weights = array("d", map(as_number, _bounded(cursor)))
            elif key == "weightType":
                samples.weight_type = str(cursor.value() or "samples")
            else:
                _read_column(cursor, key, _INTS["samples"], columns)
        tables.columns["samples"] = columns

    def _add(self, tables: _Tables, thread: _Tables, samples: _Samples) -> None:
        stacks = thread.column("samples", "stack")
        weights = samples.weights
        if weights is not None and len(weights) != len(stacks):
            raise Damaged("not as many weights as samples")
        if not tables.nodes:
            strings = tables.strings or self._shared.strings or thread.strings
            tables.nodes = _Stacks(tables, self._shared, strings, self._tally).nodes()
        nodes = tables.nodes
        for at, stack in enumerate(stacks):
            if stack != _NONE:
                if not 0 <= stack < len(nodes):
                    raise Damaged("a sample names a stack that is not there")
                self._tally.spend(nodes[stack], 1.0 if weights is None else weights[at])
        if self._tally.is_full and not self._shared.nodes:
            self._tally.settle()


class _Stacks:
    """The stacks of a set of tables, as nodes of the tally."""

    def __init__(self, tables: _Tables, shared: _Tables, strings: list[str], tally: Tally) -> None:
        self._tables, self._shared = tables, shared
        self._strings, self._tally = strings, tally
        self._funcs: dict[tuple[int, int], int] = {}

    def nodes(self) -> array[int]:
        """By the place of the stack in its table. Raises Damaged."""
        prefixes, frames = self._column("stackTable", "prefix"), self._column("stackTable", "frame")
        if len(prefixes) != len(frames) or len(frames) > 4 * MAX_NODES:
            raise Damaged("a table of stacks with columns of other lengths, or with too many")
        nodes = array("i", [_NONE]) * len(frames)
        for start in range(len(frames)):
            chain: list[int] = []
            at = start
            while at != _NONE and nodes[at] == _NONE:
                chain.append(at)
                if len(chain) > MAX_DEPTH:
                    raise Damaged("stacks that are nested too deeply, or in a circle")
                at = prefixes[at]
                if at != _NONE and not 0 <= at < len(frames):
                    raise Damaged("a stack is below one that is not there")
            for stack in reversed(chain):
                prefix = prefixes[stack]
                above = ROOT if prefix == _NONE else nodes[prefix]
                nodes[stack] = self._tally.child(above, self._frame(frames[stack]))
        return nodes

    def _frame(self, number: int) -> int:
        line = self._at("frameTable", "line", number, default=0)
        locations = self._column("frameTable", "location")
        if locations:
            return self._located(self._string(self._at("frameTable", "location", number)), line)
        func = self._at("frameTable", "func", number)
        key = (func, line)
        if key not in self._funcs:
            self._funcs[key] = self._function(func, line)
        return self._funcs[key]

    def _located(self, text: str, line: int) -> int:
        if (found := _LOCATION.fullmatch(text)) and not found[2].startswith("in "):
            return self._tally.frame(found[2], found[1], line or int(found[3] or 0))
        name, _, library = text.partition(" (in ")
        native = bool(library) and is_library(library.rstrip(")"))
        return self._tally.frame("", name, None, native=native)

    def _function(self, func: int, line: int) -> int:
        name = self._string(self._at("funcTable", "name", func))
        path = self._string(self._at("funcTable", "fileName", func, default=_NONE))
        source = self._at("funcTable", "source", func, default=_NONE)
        if source != _NONE:
            path = self._string(self._at("sources", "filename", source, default=_NONE))
        first = self._at("funcTable", "lineNumber", func, default=0)
        if path:
            return self._tally.frame(path, name, first or line, runs=line)
        said = parse_frame(name)
        resource = self._at("funcTable", "resource", func, default=_NONE)
        library = self._string(
            self._at("resourceTable", "name", resource, default=_NONE) if resource >= 0 else _NONE
        )
        native = said.native or (not said.path and is_library(library))
        return self._tally.frame(said.path, said.name, said.line, native=native)

    def _column(self, table: str, name: str) -> array[int]:
        mine = self._tables.columns.get(table)
        return (mine if mine is not None else self._shared.columns.get(table, {})).get(
            name, array("q")
        )

    def _at(self, table: str, name: str, row: int, default: int | None = None) -> int:
        column = self._column(table, name)
        if default is not None and not column:
            return default
        if not 0 <= row < len(column):
            raise Damaged("a table names something that is not there")
        value = column[row]
        return default if value == _NONE and default is not None else value

    def _string(self, number: int) -> str:
        if number == _NONE:
            return ""
        if not 0 <= number < len(self._strings):
            raise Damaged("a name that is not there")
        return self._strings[number]


def _read_table(cursor: Cursor, wanted: tuple[str, ...]) -> Columns:
    columns: Columns = {}
    for key in cursor.members():
        _read_column(cursor, key, wanted, columns)
    return columns


def _read_column(cursor: Cursor, key: str, wanted: tuple[str, ...], columns: Columns) -> None:
    """One member of a table: a column, or the schema, or the rows behind it."""
    if key in wanted:
        columns[key] = array("q", map(_integer, _bounded(cursor)))
    elif key == "schema":
        schema = cursor.value()
        if not isinstance(schema, dict):
            raise Damaged("no schema where one is due")
        for name in wanted:
            if name in schema:
                columns[name] = array("q", [_place(schema[name])])
    elif key == "data":
        places = [(column, column.pop()) for column in columns.values() if len(column) == 1]
        for row in _bounded(cursor):
            cells = as_list(row)
            for column, place in places:
                column.append(_integer(cells[place] if 0 <= place < len(cells) else None))


def _bounded(cursor: Cursor) -> Any:
    for number, value in enumerate(cursor.values()):
        if number >= _MAX_ROWS:
            raise Damaged(f"a table of more than {_MAX_ROWS} rows")
        yield value


def _place(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1000:
        raise Damaged("a schema without places")
    return value


def _integer(value: object) -> int:
    if value is None or value is False:
        return _NONE
    if isinstance(value, float) and value.is_integer() and abs(value) < 1 << 60:
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not -1 <= value < 1 << 60:
        raise Damaged("no number where one is due")
    return value
