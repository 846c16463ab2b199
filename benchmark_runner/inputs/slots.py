"""What is known of a value from how it is used; uses of equal things flow together."""

from __future__ import annotations

import re

from benchmark_runner.inputs.shapes import ANY, INT, STR, Constant, Kind, Shape, union

_STRONG: tuple[Kind, ...] = (
    "dict", "str", "bytes", "set", "deque", "list", "tuple", "float", "int", "bool",
)  # fmt: skip
_DEEP = 6
_TEXT_KEY = re.compile(
    r"name|title|text|label|word|city|country|kind|type|status|category|tag|mail|sku|code", re.I
)


class Slot:
    """One value, or several that were compared or joined and so are alike.

    `votes` are kinds that a use asks for ("int", "str", "list", ...) and weaker ones ("iterable",
    "subscripted", "sized", "number", "hashable"). `each` is what iteration gives; `key` and
    `value` what subscripts take and give; `fields` values by constant key; `parts` values by
    position, from unpacking.
    """

    def __init__(self, *votes: str) -> None:
        self.parent: Slot | None = None
        self.votes: set[str] = set(votes)
        self.constants: list[Constant] = []
        self.each: Slot | None = None
        self.key: Slot | None = None
        self.value: Slot | None = None
        self.fields: dict[Constant, Slot] = {}
        self.parts: dict[int, Slot] = {}
        self.below: Slot | None = None
        self.blocked: str | None = None
        self.none = False
        self.ordered = False

    def root(self) -> Slot:
        """The slot that stands for all that flowed together with this one."""
        slot = self
        while slot.parent is not None:
            slot = slot.parent
        return slot

    def vote(self, *kinds: str) -> Slot:
        """Record uses; returns the slot."""
        slot = self.root()
        slot.votes.update(kinds)
        return slot

    def child(self, name: str) -> Slot:
        """The slot of `each`, `key` or `value`, made when first asked for."""
        slot = self.root()
        found: Slot | None = getattr(slot, name)
        if found is None:
            found = Slot()
            setattr(slot, name, found)
        return found.root()

    def field(self, key: Constant) -> Slot:
        """The value under a constant string key."""
        return self.root().fields.setdefault(key, Slot()).root()

    def part(self, position: int) -> Slot:
        """The value at a constant position."""
        return self.root().parts.setdefault(position, Slot()).root()


def scalar_votes(slot: Slot) -> set[str]:
    """Votes that exclude each other."""
    return slot.votes & {"int", "float", "str", "bytes", "list", "dict", "set", "tuple", "bool"}


def join(one: Slot, other: Slot, depth: int = 0) -> Slot:
    """Let two values that were compared or joined share what is known of them."""
    a, b = one.root(), other.root()
    if a is b or depth > _DEEP:
        return a
    numbers = {"int", "float", "bool"}
    known_a, known_b = scalar_votes(a), scalar_votes(b)
    if known_a and known_b and not known_a & known_b and not (known_a | known_b) <= numbers:
        return a  # "x == 1 or x == 'a'": nothing is learned
    b.parent = a
    a.votes |= b.votes
    a.constants += [c for c in b.constants if c not in a.constants]
    a.blocked = a.blocked or b.blocked
    a.none = a.none or b.none
    a.ordered = a.ordered or b.ordered
    a.below = a.below or b.below
    for name in ("each", "key", "value"):
        mine, theirs = getattr(a, name), getattr(b, name)
        if mine is not None and theirs is not None:
            join(mine, theirs, depth + 1)
        elif theirs is not None:
            setattr(a, name, theirs)
    for key, theirs in b.fields.items():
        join(a.field(key), theirs, depth + 1)
    for position, theirs in b.parts.items():
        join(a.part(position), theirs, depth + 1)
    return a.root()


def settle(slots: list[Slot]) -> None:
    """Join what iteration and subscripts give once it is known which kind a container is."""
    for _ in range(3):
        for slot in [s.root() for s in slots]:
            kind = kind_of(slot)
            if kind == "dict" and slot.each is not None:
                join(slot.child("key"), slot.each)
            elif kind in ("list", "tuple", "deque") and slot.value is not None:
                join(slot.child("each"), slot.value)
                slot.child("key").vote("int", "natural")
            elif kind == "str":
                if slot.each is not None:
                    slot.each.vote("str", "char")
                if slot.value is not None:
                    slot.value.vote("str", "char")


def kind_of(slot: Slot) -> Kind:
    """The likeliest kind of one value; "any" where no use tells."""
    votes = slot.votes
    if "deque" in votes:
        return "deque"
    for kind in _STRONG:
        if kind in votes:
            return kind
    if slot.fields:
        return "fields"
    if "number" in votes:
        return "int"
    if slot.parts and not votes & {"iterable", "sized", "subscripted"}:
        return "record"
    key = slot.key.root() if slot.key else None
    if key is not None and "str" in key.votes:
        return "dict"
    if votes & {"iterable", "subscripted", "sized", "container"} or slot.parts:
        return "list"
    return "any"


def shape_of(slot: Slot, depth: int = 0) -> Shape:
    """The shape that the uses tell; "any" where they tell nothing. Elements default to int."""
    slot = slot.root()
    if slot.blocked:
        return ANY
    kind = kind_of(slot)
    if depth > _DEEP:
        return INT
    if kind == "any" and slot.constants:
        kind = "int"
    shape = _plain(slot, kind) or _container(slot, kind, depth)
    return union((shape, Shape("none"))) if slot.none and shape.kind != "any" else shape


def _plain(slot: Slot, kind: Kind) -> Shape | None:
    types = {"int": int, "float": (int, float), "str": str, "bytes": bytes}
    if kind in types:
        values = tuple(
            c for c in slot.constants
            if isinstance(c, types[kind]) and not isinstance(c, bool)  # type: ignore[arg-type]
        )  # fmt: skip
        return Shape(
            kind, values=values, natural="natural" in slot.votes, digits="digits" in slot.votes
        )
    return Shape(kind) if kind in ("any", "bool") else None


def _element(slot: Slot | None, depth: int, default: Shape) -> Shape:
    if slot is None:
        return default
    shape = shape_of(slot, depth + 1)
    return default if shape.kind == "any" and slot.root().blocked is None else shape


def _container(slot: Slot, kind: Kind, depth: int) -> Shape:
    if kind == "fields" or (kind == "dict" and slot.fields and "int" not in slot.votes):
        if not slot.fields:
            return Shape("dict", (STR, INT))
        items = tuple(
            _element(value, depth, STR if _TEXT_KEY.search(str(key)) else INT)
            for key, value in slot.fields.items()
        )
        return Shape("fields", items, keys=tuple(slot.fields))
    if kind == "dict":
        key = _element(slot.key, depth, STR)
        return Shape("dict", (key if key.hashable else STR, _element(slot.value, depth, INT)))
    if kind == "record":
        width = max(slot.parts) + 1
        parts = [_element(slot.parts.get(i), depth, INT) for i in range(width)]
        return Shape("record", tuple(parts))
    element = _element(slot.each or slot.value, depth, INT)
    if slot.parts and slot.each is None and slot.value is None:
        element = _element(next(iter(slot.parts.values())), depth, INT)
    if kind in ("set", "frozenset") and not element.hashable:
        element = INT
    return Shape(kind, (element,), ordered=slot.ordered)


def held_by(slot: Slot, keys: bool = True, depth: int = 0) -> set[int]:
    """Ids of the roots of what a container holds, at any depth; `keys` and indexes count too."""
    root = slot.root()
    inner = [root.value, *root.fields.values(), *root.parts.values()]
    if keys or kind_of(root) != "dict":
        inner.append(root.each)
    if keys:
        inner.append(root.key)
    found = {id(s.root()) for s in inner if s is not None}
    if depth < _DEEP:
        found |= {i for s in inner if s is not None for i in held_by(s, keys, depth + 1)}
    return found


def merge(hint: Shape, slot: Slot, depth: int = 0) -> Shape:
    """The hint's shape with its unknown parts, and constants, filled in from the uses."""
    slot = slot.root()
    if hint.kind == "any":
        return ANY if slot.blocked else shape_of(slot, depth)
    if hint.kind in ("int", "float", "str", "bytes"):
        used = _plain(slot, hint.kind) or hint
        return hint.with_(values=used.values, natural=used.natural, digits=used.digits)
    if hint.kind == "dict":
        if slot.fields and hint.items[0].kind in ("any", "str"):
            value = hint.items[1]
            items = [
                _merged(value, v, STR if _TEXT_KEY.search(str(k)) else INT, depth)
                for k, v in slot.fields.items()
            ]
            return Shape("fields", tuple(items), keys=tuple(slot.fields))
        key = _merged(hint.items[0], slot.key or slot.each, STR, depth)
        return hint.with_(items=(key, _merged(hint.items[1], slot.value, INT, depth)))
    if hint.kind in ("list", "tuple", "set", "frozenset", "deque"):
        item = _merged(hint.items[0], slot.each or slot.value, INT, depth)
        return hint.with_(items=(item,), ordered=slot.ordered)
    if hint.kind == "record":
        parts = [_merged(h, slot.parts.get(i), INT, depth) for i, h in enumerate(hint.items)]
        return hint.with_(items=tuple(parts))
    if hint.kind == "union":
        return union(tuple(merge(m, slot, depth) if m.items else m for m in hint.items))
    return hint


def _merged(hint: Shape, slot: Slot | None, default: Shape, depth: int) -> Shape:
    shape = merge(hint, slot, depth + 1) if slot is not None and depth < _DEEP else hint
    if shape.kind == "any" and not (slot is not None and slot.root().blocked):
        return default
    return shape
