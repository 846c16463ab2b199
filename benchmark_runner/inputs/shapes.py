"""What values a parameter takes, as far as the text tells."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

Kind = Literal[
    "any", "none", "bool", "int", "float", "complex", "str", "bytes", "decimal", "fraction",
    "date", "datetime", "timedelta", "literal", "list", "tuple", "set", "frozenset", "deque",
    "dict", "record", "fields", "union",
]  # fmt: skip

SEQUENCES = frozenset({"list", "tuple", "deque"})
SETS = frozenset({"set", "frozenset"})
COLLECTIONS = SEQUENCES | SETS | {"dict"}
SCALARS = frozenset({"bool", "int", "float", "complex", "str", "bytes", "decimal", "fraction"})

Constant = int | float | str | bytes | bool | None


@dataclass(frozen=True)
class Shape:
    """A set of values.

    `items`: element of a list, tuple, set or deque; key and value of a dict; parts of a record (a
    tuple of fixed length); values of fields (a dict with the fixed `keys`); members of a union.
    `values`: all values of a literal; for scalars the constants that the code compares with.
    `ordered`: the sequence is sorted. `natural`: an int that counts or indexes. `digits`: a str
    """

    kind: Kind
    items: tuple[Shape, ...] = ()
    values: tuple[Constant, ...] = ()
    keys: tuple[Constant, ...] = ()
    ordered: bool = False
    natural: bool = False
    digits: bool = False

    def __str__(self) -> str:
        inner = ", ".join(map(str, self.items or self.values))
        return f"{self.kind}[{inner}]" if inner else self.kind

    @property
    def known(self) -> bool:
        """Whether values can be made: no part of it is unknown."""
        return self.kind != "any" and all(item.known for item in self.items)

    @property
    def hashable(self) -> bool:
        """Whether its values may be keys and elements of sets."""
        if self.kind in ("list", "set", "dict", "deque", "fields"):
            return False
        return all(item.hashable for item in self.items)

    @property
    def sized(self) -> bool:
        """Whether its values can be large."""
        return (
            self.kind in COLLECTIONS
            or self.kind in ("str", "bytes")
            or any(item.sized for item in self.items if self.kind in ("union", "record", "fields"))
        )

    def with_(self, **changes: Any) -> Shape:
        """A copy with some attributes changed."""
        return replace(self, **changes)


ANY = Shape("any")
INT = Shape("int")
STR = Shape("str")
NONE = Shape("none")


def union(members: tuple[Shape, ...]) -> Shape:
    """The union of shapes, flat and without repetition."""
    flat: list[Shape] = []
    for member in members:
        for one in member.items if member.kind == "union" else (member,):
            if one not in flat:
                flat.append(one)
    return flat[0] if len(flat) == 1 else Shape("union", tuple(flat))


def to_plain(shape: Shape) -> dict[str, Any]:
    """The shape as plain values, for the child process."""
    return {
        "kind": shape.kind,
        "items": [to_plain(item) for item in shape.items],
        "values": list(shape.values),
        "keys": list(shape.keys),
        "ordered": shape.ordered,
        "natural": shape.natural,
        "digits": shape.digits,
    }
