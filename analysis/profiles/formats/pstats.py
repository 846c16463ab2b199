"""Reads what cProfile and profile write (``pstats`` files) without unpickling anything.

Such a file is one marshalled dict ``{(file, line, name): (primitive calls, calls, self seconds,
total seconds, {caller: (calls, primitive calls, self, total)})}``. `marshal.loads` may crash the
interpreter on hostile bytes (its documentation says so), hence a reader of the subset that such
files use: one dict of tuples of str, int and float, with back references. It takes time and memory
in proportion to the file: back references reach only strings, numbers and flat tuples, since a
shared dict would be read anew at each use. Marshal versions 2 to 5, so CPython 3.4 to 3.14.
"""

from __future__ import annotations

import math
import struct

from analysis.profiles.call_graph import Edge, Entry, Key, calls_of, costs_of, whole_of
from analysis.profiles.damage import Damaged, Truncated
from analysis.profiles.file import ProfileFile
from analysis.profiles.model import Profile
from analysis.profiles.places import Places

_REF_FLAG = 0x80
_MAX_TUPLE = 8
_MAX_LONG_DIGITS = 10


def recognises(head: bytes) -> bool:
    """Whether the bytes start like a marshalled dict with tuples for keys (JSON starts ``{"``)."""
    if len(head) < 2:
        return head in (b"{", b"\xfb")
    return head[0] & 0x7F == ord("{") and head[1] & 0x7F in b"()0"


def read(file: ProfileFile, places: Places) -> Profile:
    """The profile in a pstats file. Raises Truncated or Damaged."""
    entries = _Reader(file.whole()).stats()
    where = {key: places.place(key[0], key[2], key[1]) for key in entries}
    functions, numbers = costs_of(entries, where)
    calls = calls_of(entries, where, numbers)
    return Profile("cProfile", "seconds", whole_of(entries), functions, calls=calls)


class _Reader:
    """A bounded reader of the marshal subset."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._refs: list[object] = []

    def stats(self) -> dict[Key, Entry]:
        entries: dict[Key, Entry] = {}
        for key, value in self._dict():
            if not isinstance(value, tuple) or len(value) != 5 or not isinstance(value[4], dict):
                raise Damaged("a function's entry has another shape")
            calls, self_s, total_s = (_number(v) for v in value[1:4])
            edges = {caller: _edge(v) for caller, v in value[4].items()}
            entries[key] = Entry(int(calls), self_s, total_s, edges)
        for entry in entries.values():
            _share_out(entry)
        return entries

    def _dict(self, *, nested: bool = False) -> list[tuple[Key, object]]:
        code = self._byte()
        if code & ~_REF_FLAG != ord("{"):
            raise Damaged("no dict where one is due")
        if code & _REF_FLAG:
            self._refs.append(None)
        items: list[tuple[Key, object]] = []
        while self._peek() != ord("0"):
            items.append((_key(self._flat()), self._flat() if nested else self._entry()))
        self._at += 1
        return items

    def _entry(self) -> object:
        """A dict's value: a flat value, or a tuple whose last member is a dict of flat values."""
        code = self._peek()
        if code & ~_REF_FLAG not in b"()":
            return self._flat()
        slot, size = self._open_tuple()
        values: list[object] = []
        flat = True
        for _ in range(size):
            if self._peek() & ~_REF_FLAG == ord("{"):
                flat = False
                values.append(dict(self._dict(nested=True)))
            else:
                values.append(self._scalar())
        return self._close_tuple(slot, tuple(values), flat=flat)

    def _flat(self) -> object:
        """A string, a number, or a tuple of such."""
        if self._peek() == ord("r"):
            self._at += 1
            return self._back_reference(tuples=True)
        if self._peek() & ~_REF_FLAG not in b"()":
            return self._scalar()
        slot, size = self._open_tuple()
        return self._close_tuple(slot, tuple(self._scalar() for _ in range(size)), flat=True)

    def _open_tuple(self) -> tuple[int | None, int]:
        code = self._byte()
        size = self._byte() if code & ~_REF_FLAG == ord(")") else self._int32()
        if not 0 <= size <= _MAX_TUPLE:
            raise Damaged("a tuple of unexpected size")
        if code & _REF_FLAG:
            self._refs.append(None)
            return len(self._refs) - 1, size
        return None, size

    def _close_tuple(
        self, slot: int | None, value: tuple[object, ...], *, flat: bool
    ) -> tuple[object, ...]:
        if slot is not None and flat:
            self._refs[slot] = value
        return value

    def _scalar(self) -> object:
        code = self._byte()
        kind = chr(code & ~_REF_FLAG)
        if kind == "r":
            return self._back_reference(tuples=False)
        reader = _SCALARS.get(kind)
        if reader is None:
            raise Damaged(f"type code {code:#x} has no place in a profile")
        value = reader(self)
        if code & _REF_FLAG:
            self._refs.append(value)
        return value

    def _back_reference(self, *, tuples: bool) -> object:
        index = self._int32()
        value = self._refs[index] if 0 <= index < len(self._refs) else None
        if value is None or (isinstance(value, tuple) and not tuples):
            raise Damaged("a reference to nothing of use")
        return value

    def _peek(self) -> int:
        if self._at >= len(self._data):
            raise Truncated
        return self._data[self._at]

    def _byte(self) -> int:
        value = self._peek()
        self._at += 1
        return value

    def _take(self, size: int) -> bytes:
        if size < 0:
            raise Damaged("a negative size")
        if self._at + size > len(self._data):
            raise Truncated
        self._at += size
        return self._data[self._at - size : self._at]

    def _int32(self) -> int:
        value: int = struct.unpack("<i", self._take(4))[0]
        return value

    def _long(self) -> int:
        size = self._int32()
        if abs(size) > _MAX_LONG_DIGITS:
            raise Damaged("a number beyond all measure")
        digits = struct.unpack(f"<{abs(size)}H", self._take(2 * abs(size)))
        value: int = sum(digit << (15 * n) for n, digit in enumerate(digits))
        return -value if size < 0 else value

    def _float(self) -> float:
        value: float = struct.unpack("<d", self._take(8))[0]
        return value

    def _text_float(self) -> float:
        try:
            return float(self._take(self._byte()))
        except ValueError as error:
            raise Damaged("a number that is none") from error

    def _short_text(self) -> str:
        return self._take(self._byte()).decode("latin-1")

    def _long_text(self) -> str:
        return self._take(self._int32()).decode("utf-8", "replace")


_SCALARS = {
    "i": _Reader._int32,
    "l": _Reader._long,
    "g": _Reader._float,
    "f": _Reader._text_float,
    "z": _Reader._short_text,
    "Z": _Reader._short_text,
    "a": _Reader._long_text,
    "A": _Reader._long_text,
    "u": _Reader._long_text,
    "t": _Reader._long_text,
}


def _key(value: object) -> Key:
    match value:
        case (str() as path, int() as line, str() as name):
            return path, line, name
    raise Damaged("a function's name has another shape")


def _number(value: object) -> float:
    # Slightly negative times come from profile's calibration.
    if not isinstance(value, int | float) or not math.isfinite(value):
        raise Damaged("a cost that is no number")
    return max(0.0, float(value))


def _edge(value: object) -> Edge:
    """cProfile writes four numbers per caller, the pure Python profile only the calls."""
    if isinstance(value, tuple):
        if len(value) != 4:
            raise Damaged("a caller's entry has another shape")
        return Edge(_number(value[0]), _number(value[3]))
    return Edge(_number(value), -1.0)


def _share_out(entry: Entry) -> None:
    """Where the times of the calls are not written, share the total out by their number."""
    calls = sum(edge.calls for edge in entry.callers.values())
    for edge in entry.callers.values():
        if edge.total < 0:
            edge.total = entry.total_s * edge.calls / calls if calls else 0.0
