"""JSON profiles piece by piece, with bounds: memory for what is asked for, not for the file.

ijson (yajl) reads; what a hostile file can do to it is caught before: nesting, since the paths that
ijson builds take memory in the square of the depth. Numbers are float or 64-bit int, and JSON's
extensions (NaN, Infinity) are damage.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import accumulate
from typing import Any, BinaryIO

import ijson

from analysis.profiles.damage import Damaged, Truncated
from analysis.profiles.file import ProfileFile

MAX_DEPTH = 200
_PIECE = 1 << 18
_ESCAPE = re.compile(rb"\\.", re.DOTALL)
_STRING = re.compile(rb'"[^"]*"')
_NOT_BRACKETS = bytes(set(range(256)) - set(b'[]{}"'))
_STEP = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_BOM = b"\xef\xbb\xbf"


def items(file: ProfileFile, path: str, *, max_depth: int = MAX_DEPTH) -> Iterator[Any]:
    """The values at a path ("profiles.item.samples.item"), one after the other, in file order.

    Raises Truncated or Damaged, also at the first step.
    """
    with _stream(file, max_depth) as stream, _told():
        yield from ijson.items(stream, path, use_float=True, buf_size=_PIECE)


def pairs(file: ProfileFile, path: str, *, max_depth: int = MAX_DEPTH) -> Iterator[tuple[str, Any]]:
    """The members of the object at a path ("" is the whole), as `items`."""
    with _stream(file, max_depth) as stream, _told():
        yield from ijson.kvitems(stream, path, use_float=True, buf_size=_PIECE)


def events(file: ProfileFile, *, max_depth: int = MAX_DEPTH) -> Iterator[tuple[str, str, Any]]:
    """ijson's (path, event, value) of the whole file: slower than `items`, and in one pass."""
    with _stream(file, max_depth) as stream, _told():
        yield from ijson.parse(stream, use_float=True, buf_size=_PIECE)


def paths_in(head: bytes) -> frozenset[str]:
    """The paths ("shared.frames.item.name") that begin in the first bytes of a JSON file."""
    found: set[str] = set()
    guard = _Depth(MAX_DEPTH)
    try:
        guard.check(head)
        for path, _, _ in ijson.parse(head.removeprefix(_BOM), use_float=True):
            found.add(path)
    except (ijson.JSONError, Damaged):
        pass  # the head ends somewhere, and need not be JSON at all
    return frozenset(found)


def looks_like_json(head: bytes) -> bool:
    """Whether bytes begin like an object or an array."""
    return head.removeprefix(_BOM).lstrip()[:1] in (b"{", b"[")


def as_dict(value: object) -> dict[str, Any]:
    """The value as an object. Raises Damaged."""
    if not isinstance(value, dict):
        raise Damaged("no object where one is due")
    return value


def as_list(value: object) -> list[Any]:
    """The value as an array. Raises Damaged."""
    if not isinstance(value, list):
        raise Damaged("no list where one is due")
    return value


def as_number(value: object) -> float:
    """The value as a finite number. Raises Damaged."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Damaged("no number where one is due")
    return float(value)


def as_index(value: object, size: int) -> int:
    """The value as a place in a list of `size` members. Raises Damaged."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < size:
        raise Damaged("it names something that is not there")
    return value


@contextmanager
def _stream(file: ProfileFile, max_depth: int) -> Iterator[Any]:
    with file.open() as raw:
        yield _Guarded(raw, max_depth)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except ijson.JSONError as error:
        said = str(error).strip().split("\n")[0]
        if "premature EOF" in said:
            raise Truncated from error
        raise Damaged(said or "no JSON") from error


class _Guarded:
    """A stream whose nesting is checked before anybody parses it."""

    def __init__(self, raw: BinaryIO, max_depth: int) -> None:
        self._raw, self._depth = raw, _Depth(max_depth)
        self._first = True

    def read(self, size: int = -1) -> bytes:
        data = self._raw.read(size)
        if self._first and data:  # ijson reads no bytes at first, to see what kind it gets
            self._first = False
            data = data.removeprefix(_BOM)
        self._depth.check(data)
        return data


class _Depth:
    """How deep the brackets are nested, strings left out, from piece to piece."""

    def __init__(self, limit: int) -> None:
        self._limit, self._at, self._in_string, self._escaped = limit, 0, False, False

    def check(self, data: bytes) -> None:
        """Raise Damaged as soon as the nesting passes the limit."""
        if self._escaped and data:
            data, self._escaped = data[1:], False
        if b"\\" in data:
            data = _ESCAPE.sub(b"", data)
            self._escaped = data.endswith(b"\\")
        marks = data.translate(None, _NOT_BRACKETS)
        if self._in_string:
            _, quote, marks = marks.partition(b'"')
            if not quote:
                return
        marks = _STRING.sub(b"", marks)
        marks, quote, _ = marks.partition(b'"')
        self._in_string = bool(quote)
        if not marks:
            return
        levels = list(accumulate((_STEP[mark] for mark in marks), initial=self._at))
        self._at = levels[-1]
        if max(levels) > self._limit:
            raise Damaged("nested too deeply")
