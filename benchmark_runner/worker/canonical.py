"""Compares canonical bytes (see harness.py) that two workers sent.

Equality is graded: exact, equal up to the rounding of floats, or different. The bytes are hostile;
`canonical_tree` reads them.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Literal

from benchmark_runner.worker.canonical_tree import (
    Malformed,
    Node,
    outcome_text,
    parse,
    parts_of,
    text_of,
)

__all__ = [
    "MOST_RELATIVE",
    "Difference",
    "Level",
    "Malformed",
    "Node",
    "compare",
    "outcome_text",
    "parse",
    "parts_of",
    "text_of",
]

Level = Literal["exact", "rounding", "different"]

MOST_RELATIVE = 1e-6
"""Relative difference of two floats above which they are no rounding of each other."""


@dataclass(frozen=True)
class Difference:
    """How two values compare.

    For "different", `part` is the top-level key ("outcome", "arguments", ...), `path` the place of
    the first difference ("result[2].x"), `before` and `after` short texts of what is there, and
    `what` says it in words. For "rounding" the place is that of the largest relative difference.
    """

    level: Level
    part: str = ""
    path: str = ""
    before: str = ""
    after: str = ""
    what: str = ""
    max_relative: float = 0.0
    max_ulp: int = 0


class _Differs(Exception):
    def __init__(self, what: str, before: Node, after: Node, place: _Place | None) -> None:
        super().__init__(what)
        self.what = what
        self.before = before
        self.after = after
        self.place = place


@dataclass(frozen=True)
class _Place:
    """A path from the root, linked backwards so that a million nodes share their beginnings."""

    parent: _Place | None
    parent_node: Node
    position: int

    def pieces(self) -> list[tuple[Node, int]]:
        found = []
        place: _Place | None = self
        while place is not None:
            found.append((place.parent_node, place.position))
            place = place.parent
        return found[::-1]


@dataclass
class _Rounding:
    """The largest differences of floats so far."""

    relative: float = 0.0
    ulp: int = 0
    place: _Place | None = None
    before: str = ""
    after: str = ""
    any: bool = False

    def add(self, a: float, b: float, place: _Place | None) -> bool:
        """Take two floats that are not the same in; False when no rounding explains them."""
        if a != a or b != b or a in (_INF, -_INF) or b in (_INF, -_INF):
            return False
        largest = max(abs(a), abs(b))
        relative = abs(a - b) / largest if largest else 0.0
        ulp = max(abs(_ordered(a) - _ordered(b)), 1)  # 0.0 and -0.0 are neighbours here
        if not self.any or relative > self.relative:
            self.place, self.before, self.after = place, repr(a), repr(b)
        self.any = True
        self.relative = max(self.relative, relative)
        self.ulp = max(self.ulp, ulp)
        return True


_INF = float("inf")


def _ordered(value: float) -> int:
    """Floats as integers in the same order; neighbours differ by one."""
    bits: int = struct.unpack("<q", struct.pack("<d", value))[0]
    return bits if bits >= 0 else -(bits & 0x7FFFFFFFFFFFFFFF)


def compare(before: bytes, after: bytes, *, most_relative: float = MOST_RELATIVE) -> Difference:
    """Grade two canonical values. Raises Malformed when one of them is none.

    Floats (also inside complex numbers and float arrays of numpy) may differ by rounding, nothing
    else may: a float and an int of the same value are different, as are a list and a tuple, other
    order of a dict's keys, or one object shared where the other has two equal ones.
    """
    if before == after:
        return Difference("exact")
    a, b = parse(before), parse(after)
    rounding = _Rounding()
    try:
        _walk(a, b, rounding)
        if rounding.relative > most_relative:
            return _difference("different", rounding, rounding.before, rounding.after, "value")
    except _Differs as found:
        shown = _Rounding(rounding.relative, rounding.ulp, found.place)
        return _difference(
            "different", shown, text_of(found.before), text_of(found.after), found.what
        )
    return _difference("rounding", rounding, rounding.before, rounding.after, "rounding of floats")


def _difference(level: Level, found: _Rounding, before: str, after: str, what: str) -> Difference:
    part, path = _path(found.place)
    return Difference(level, part, path, before, after, what, found.relative, found.ulp)


def _walk(a: Node, b: Node, rounding: _Rounding, place: _Place | None = None) -> None:
    stack: list[tuple[Node, Node, _Place | None]] = [(a, b, place)]
    while stack:
        a, b, place = stack.pop()
        _heads(a, b, place, rounding)
        if a.tag in "Oo" and a.label.startswith("ndarray "):
            _arrays(a, b, place, rounding)
            continue
        for position in range(len(a.children) - 1, -1, -1):
            inner = _Place(place, a, position)
            stack.append((a.children[position], b.children[position], inner))


def _heads(a: Node, b: Node, place: _Place | None, rounding: _Rounding) -> None:
    """Compare two nodes without their children. Raises _Differs."""
    if a.tag != b.tag:
        both = {a.tag, b.tag}
        same_type = both <= set("TF") or both <= set("ij")
        what = "sharing of objects" if "r" in both else "value" if same_type else "type"
        raise _Differs(what, a, b, place)
    if a.label != b.label:
        raise _Differs("type", a, b, place)
    if a.tag in "fc":
        _floats(a, b, place, rounding)
    elif a.value != b.value:
        raise _Differs("sharing of objects" if a.tag == "r" else "value", a, b, place)
    if len(a.children) != len(b.children):
        raise _Differs("attributes" if a.tag in "Oo" else "length", a, b, place)
    if a.tag == "d":
        _keys(a, b, place)


def _floats(a: Node, b: Node, place: _Place | None, rounding: _Rounding) -> None:
    if not isinstance(a.value, tuple) or not isinstance(b.value, tuple):
        raise Malformed("float without a value")
    for x, y in zip(a.value, b.value, strict=True):
        same = struct.pack("<d", x) == struct.pack("<d", y)
        if not same and not rounding.add(x, y, place):
            raise _Differs("value", a, b, place)


def _keys(a: Node, b: Node, place: _Place | None) -> None:
    """Name a dict's other order of keys as what it is, where keys are plain atoms."""
    ours = [(k.tag, k.value) for k in a.children[::2]]
    theirs = [(k.tag, k.value) for k in b.children[::2]]
    if ours != theirs and all(tag in "NTFjisb" for tag, _ in (*ours, *theirs)):
        same = sorted(map(repr, ours)) == sorted(map(repr, theirs))
        raise _Differs("order of keys" if same else "keys", a, b, place)


_FORMATS = {"f2": "e", "f4": "f", "f8": "d", "c8": "f", "c16": "d"}


def _arrays(a: Node, b: Node, place: _Place | None, rounding: _Rounding) -> None:
    """numpy arrays: dtype and shape must be the same, elements of float types may be rounded."""
    ours = {str(k.value): v for k, v in a.pairs()}
    theirs = {str(k.value): v for k, v in b.pairs()}
    if ours.keys() != theirs.keys():
        raise _Differs("attributes", a, b, place)
    for position, name in enumerate(str(key.value) for key, _ in a.pairs()):
        if name != "data":
            _walk(ours[name], theirs[name], rounding, _Place(place, a, 2 * position + 1))
    x, y = ours.get("data"), theirs.get("data")
    dtype = ours.get("dtype")
    if x is None or y is None or dtype is None:
        raise Malformed("array without data")
    if x.tag != "b" or y.tag != "b":
        _walk(x, y, rounding)
        return
    if x.value == y.value:
        return
    kind = str(dtype.value)
    code = _FORMATS.get(kind[1:])
    if code is None or not isinstance(x.value, bytes) or not isinstance(y.value, bytes):
        raise _Differs("value", a, b, place)
    _elements(x.value, y.value, (">" if kind[0] == ">" else "<") + code, a, b, place, rounding)


def _elements(
    x: bytes, y: bytes, form: str, a: Node, b: Node, place: _Place | None, rounding: _Rounding
) -> None:
    size = struct.calcsize(form)
    if len(x) != len(y) or len(x) % size:
        raise _Differs("length", a, b, place)
    for (p,), (q,) in zip(struct.iter_unpack(form, x), struct.iter_unpack(form, y), strict=True):
        same = p == q and (p != 0 or struct.pack("<d", p) == struct.pack("<d", q))
        if not same and not (p != p and q != q) and not rounding.add(p, q, place):
            raise _Differs("value", a, b, place)


# ---------------------------------------------------------------- paths

_OUTCOME_FIELDS = {
    "return": ["", "result"],
    "raise": [
        "",
        "exception type",
        "exception arguments",
        "exception text",
        "exception cause",
        "exception attributes",
    ],
    "": ["", "result type", "result", "end of iteration"],
}


def _path(place: _Place | None) -> tuple[str, str]:
    """The part and the path inside it, in Python's notation."""
    pieces = place.pieces() if place is not None else []
    if not pieces or pieces[0][0].tag != "d":
        return "", _join("value", pieces)
    key, position = pieces[0][0].children[pieces[0][1] & ~1], pieces[0][1]
    part = str(key.value)
    rest = pieces[1:]
    if part == "outcome" and rest and position % 2:
        node, field = rest[0]
        kind = str(node.children[0].value) if node.children else ""
        names = _OUTCOME_FIELDS.get(kind, _OUTCOME_FIELDS[""])
        name = names[field] if field < len(names) else f"outcome[{field}]"
        return part, _join(name or "kind of outcome", rest[1:])
    if part == "arguments" and rest and rest[0][1] in (0, 1):
        return part, _join("args" if rest[0][1] == 0 else "kwargs", rest[1:])
    if part == "output" and rest and rest[0][1] in (0, 1):
        return part, ("stdout", "stderr")[rest[0][1]]
    return part, _join(part, rest)


def _join(start: str, pieces: list[tuple[Node, int]]) -> str:
    text = start
    for node, position in pieces[:40]:
        if node.tag in "dOo":
            key = node.children[position & ~1]
            if not position % 2:
                text += f" key {text_of(key, 40)}"
            elif node.tag == "d":
                text += f"[{text_of(key, 40)}]"
            elif str(key.value) not in ("content", "items"):
                text += f".{key.value}"
        elif node.tag in "SZ":
            text += " element"
        else:
            text += f"[{position}]"
    return text if len(pieces) <= 40 else text + "..."
