"""Reads what google-pprof prints of a CPU profile of gperftools, with ``--raw`` or ``--text``.

https://gperftools.github.io/gperftools/cpuprofile-fileformat.html. The profile itself is words of
the machine: how often each stack of addresses was seen. ``--raw`` puts the functions' names before
it; alone, it needs the program to name them (see analysis.profiles.formats.converted). What
``--callgrind`` and ``--collapsed`` print are formats of their own.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

from analysis.profiles.damage import Damaged, Truncated
from analysis.profiles.file import ProfileFile
from analysis.profiles.model import FunctionCost, Profile
from analysis.profiles.places import Places
from analysis.profiles.tally import MAX_DEPTH, Tally

MAX_BYTES = 64_000_000
_MAX_SYMBOLS = 1_000_000
_MAX_STACKS = 5_000_000
_MAX_ROWS = 200_000
_MAX_SAMPLES = 10**12
_LOOK_EVERY = 50_000

_SYMBOLS, _PROFILE = b"--- symbol", b"--- profile"
_SYMBOL = re.compile(r"0x([0-9a-fA-F]{1,16}) (\S.*)")
_ADDRESS = re.compile(r"<[0-9a-f]{8,16}>$")
_TOTAL = re.compile(rb"Total: (\d{1,18}) samples\r?\n +\d+ +[\d.]+% ")
_ROW = re.compile(r" *(\d{1,18}) +[\d.]+% +[\d.]+% +(\d{1,18}) +[\d.]+% +(\S.*)")
_HEADS = {struct.pack(code + "3" + word, 0, 3, 0): (code, word) for code in "<>" for word in "QI"}
"""The header's first three words, by the order and the size of the machine's words."""


def is_bare(head: bytes) -> bool:
    """Whether bytes begin like a profile with no names in it."""
    return any(head.startswith(begin) for begin in _HEADS)


def recognises(head: bytes) -> bool:
    """Whether it begins with the names of addresses, or with a table of functions."""
    return head.startswith(_SYMBOLS) or bool(_TOTAL.match(head))


def read(file: ProfileFile, places: Places) -> Profile:
    """The profile in google-pprof's output. Raises Truncated or Damaged."""
    data = file.whole(MAX_BYTES)
    return _raw(file, data, places) if data.startswith(_SYMBOLS) else _table(data, places)


def _raw(file: ProfileFile, data: bytes, places: Places) -> Profile:
    text, mark, rest = data.partition(_PROFILE)
    if not mark:
        raise Truncated
    names = _names(text.decode("utf-8", "replace"))
    tally = Tally(places)
    frames: dict[int, tuple[int, ...]] = {}

    def of(address: int) -> tuple[int, ...]:
        known = frames.get(address)
        if known is None:
            symbols = names.get(address) or names.get(address - 1) or [f"0x{address:x}"]
            known = frames[address] = tuple(tally.frame("", name, None) for name in symbols)
        return known

    start = rest.partition(b"\n")[2]
    for number, (count, stack) in enumerate(_stacks(start)):
        if not number % _LOOK_EVERY:
            file.moved(file.size)
        tally.add((frame for address in reversed(stack) for frame in of(address)), count)
    return tally.profile("gperftools", "samples", sampled=True)


def _names(text: str) -> dict[int, list[str]]:
    """Of each address its functions: several, outermost first, where they were inlined."""
    found: dict[int, list[str]] = {}
    for line in text.splitlines():
        symbol = _SYMBOL.fullmatch(line)
        if symbol is not None:
            if len(found) >= _MAX_SYMBOLS:
                raise Damaged(f"more than {_MAX_SYMBOLS} names")
            found[int(symbol[1], 16)] = [_ADDRESS.sub("", n) for n in symbol[2].split("--")]
    return found


def _stacks(data: bytes) -> Iterator[tuple[float, tuple[int, ...]]]:
    """Samples and addresses, the innermost first, of each stack.

    How long a sample is stands in the header, but google-pprof writes 1 there, whatever it was.
    """
    kind = next((kind for begin, kind in _HEADS.items() if data.startswith(begin)), None)
    if kind is None:
        raise Truncated if len(data) < 12 else Damaged("no profile of addresses behind the names")
    order, letter = kind
    size = struct.calcsize(order + letter)

    def words(at: int, count: int) -> tuple[int, ...]:
        if (at + count) * size > len(data):
            raise Truncated
        return struct.unpack_from(f"{order}{count}{letter}", data, at * size)

    at = 5
    for _ in range(_MAX_STACKS):
        if at * size == len(data):  # google-pprof writes no last stack
            return
        count, depth = words(at, 2)
        if depth > MAX_DEPTH or depth == 0:
            raise Damaged(f"a stack of {depth} frames")
        stack = words(at + 2, depth)
        at += 2 + depth
        if count == 0:  # the last stack is of no samples, and of the address 0
            return
        if count > _MAX_SAMPLES:
            raise Damaged("more samples than any run has")
        yield float(count), stack
    raise Damaged(f"more than {_MAX_STACKS} stacks")


def _table(data: bytes, places: Places) -> Profile:
    """``--text``: a row for each function. A file that was cut off has fewer samples than told."""
    total = int(data.split(b" ", 2)[1])
    found: list[FunctionCost] = []
    seen = 0
    for line in data.decode("utf-8", "replace").splitlines()[1:]:
        row = _ROW.fullmatch(line)
        if row is None or len(found) >= _MAX_ROWS:
            continue
        own, whole, name = int(row[1]), int(row[2]), _ADDRESS.sub("", row[3])
        seen += own
        place = places.place("", name, None)
        path, name, at = (place.path, place.name, place.line) if place else ("", name, 0)
        found.append(FunctionCost(path, name, at, own, max(own, whole), own, None))
    # google-pprof leaves out functions of less than half a percent.
    if seen < total / 2:
        raise Truncated
    return Profile("gperftools", "samples", float(total), tuple(found), sampled=True)
