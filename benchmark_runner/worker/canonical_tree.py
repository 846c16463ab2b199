"""Canonical bytes (see harness.py) as a tree, and short texts of it.

The bytes come from a worker and are hostile: nothing is executed, nothing recurses, every length
is checked against what is there.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

_MOST_NODES = 2_000_000
"""Of one value; a list of as many floats is about what `harness.MAX_SHIPPED` lets through."""


class Malformed(ValueError):
    """Bytes that are no canonical encoding."""


_NONE: list[Node] = []
"""The children of every leaf; never changed."""


class Node:
    """One node of a parsed value: its tag, and what the tag has.

    `value` is a Python value for atoms, the number for back references. `label` is set for
    objects; `children` are elements, or keys and values in turn. Compare by `compare` only.
    """

    __slots__ = ("children", "label", "left", "tag", "value")

    def __init__(self, tag: str, value: object = None, label: str = "", left: int = 0) -> None:
        self.tag = tag
        self.value = value
        self.label = label
        self.left = left
        self.children: list[Node] = [] if left else _NONE

    def pairs(self) -> Iterator[tuple[Node, Node]]:
        """Keys and values of a dict or an object's fields."""
        return zip(self.children[::2], self.children[1::2], strict=True)


class _Reader:
    """Reads nodes' heads off the bytes."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0
        self.numbered = 0

    def piece(self, size: int) -> bytes:
        if size > len(self.data) - self.at:
            raise Malformed("cut off")
        piece = self.data[self.at : self.at + size]
        self.at += size
        return piece

    def length(self) -> int:
        return int.from_bytes(self.piece(4), "little")

    def text(self, size: int) -> str:
        try:
            return self.piece(size).decode("utf-8", "surrogatepass")
        except UnicodeDecodeError as error:
            raise Malformed(str(error)) from None

    def head(self) -> Node:
        """The next node without its children; `left` is the number of them."""
        tag = chr(self.piece(1)[0])
        if tag in "NTF":
            return Node(tag, {"N": None, "T": True, "F": False}[tag])
        if tag == "j":
            return Node(tag, struct.unpack("<q", self.piece(8))[0])
        if tag in "fc":
            piece = self.piece(8 if tag == "f" else 16)
            return Node(tag, struct.unpack("<d" if tag == "f" else "<dd", piece))
        if tag in "isby":
            size = self.length()
            self.numbered += tag == "y"
            if tag == "s":
                return Node(tag, self.text(size))
            piece = self.piece(size)
            return Node(tag, int.from_bytes(piece, "little", signed=True) if tag == "i" else piece)
        if tag == "r":
            number = self.length()
            if number >= self.numbered:
                raise Malformed("reference to nothing")
            return Node(tag, number)
        if tag in "ltSZdOo":
            self.numbered += tag in "lSdO"
            label = self.text(self.length()) if tag in "Oo" else ""
            count = self.length() * (2 if tag in "dOo" else 1)
            if count > len(self.data) - self.at:
                raise Malformed("cut off")
            return Node(tag, label=label, left=count)
        raise Malformed(f"unknown tag {tag!r}")


def parse(data: bytes) -> Node:
    """The tree of one canonical value. Raises Malformed for anything else."""
    reader = _Reader(data)
    root = reader.head()
    stack = [root] if root.left else []
    nodes = 1
    while stack:
        top = stack[-1]
        if len(top.children) == top.left:
            stack.pop()
            continue
        node = reader.head()
        nodes += 1
        if nodes > _MOST_NODES:
            raise Malformed("too many nodes")
        top.children.append(node)
        if node.left:
            stack.append(node)
    if reader.at != len(data):
        raise Malformed("bytes behind the value")
    return root


def parts_of(payload: bytes) -> dict[str, Node]:
    """The named parts of an observation. Raises Malformed."""
    root = parse(payload)
    if root.tag != "d" or any(key.tag != "s" for key, _ in root.pairs()):
        raise Malformed("no observation")
    return {str(key.value): value for key, value in root.pairs()}


def text_of(node: Node, room: int = 120) -> str:
    """A short text of a node, Python source as far as it goes; printable characters only."""
    pieces: list[str] = []
    used = 0
    stack: list[Node | str] = [node]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            piece = item
        else:
            piece, inside = _shown(item, room)
            stack += reversed(inside)
        pieces.append(piece)
        used += len(piece)
        if used > room:
            text = "".join(pieces)[: max(room - 3, 1)] + "..."
            return "".join(c if c.isprintable() else " " for c in text)
    return "".join(c if c.isprintable() else " " for c in "".join(pieces))


_BRACKETS = {
    "l": ("[", "]"),
    "t": ("(", ")"),
    "S": ("{", "}"),
    "d": ("{", "}"),
    "Z": ("frozenset({", "})"),
}


def _shown(node: Node, room: int) -> tuple[str, list[Node | str]]:
    """A node's own opening text, and what follows it: children, commas, closing text."""
    value = node.value
    if node.tag == "f" and isinstance(value, tuple):
        return repr(value[0]), []
    if node.tag == "c" and isinstance(value, tuple):
        return repr(complex(*value)), []
    if node.tag in "ij" and isinstance(value, int):
        return (
            repr(value) if value.bit_length() < 512 else f"<int of {value.bit_length()} bits>"
        ), []
    if node.tag == "r":
        return "<the same object again>", []
    if isinstance(value, str | bytes):
        text = repr(value[:room])
        return (f"bytearray({text})" if node.tag == "y" else text), []
    if node.tag in "NTF":
        return repr(value), []
    if node.tag in "Oo":
        return _shown_object(node)
    brackets = _BRACKETS[node.tag]
    children = node.children[: 2 * room]
    inside: list[Node | str] = []
    for position, child in enumerate(children):
        if position:
            inside.append(": " if node.tag == "d" and position % 2 else ", ")
        inside.append(child)
    if node.tag == "t" and len(children) == 1:
        inside.append(",")
    if node.tag == "S" and not children:
        return "set()", []
    return brackets[0], [*inside, brackets[1]]


def _shown_object(node: Node) -> tuple[str, list[Node | str]]:
    """`kind type` as `type(field=value, ...)`; plain wrappers show only what they hold."""
    kind, _, name = node.label.partition(" ")
    if kind in ("function", "class", "module"):
        return f"<{kind} {name}>", []
    if kind == "ndarray":
        fields = {str(k.value): v for k, v in node.pairs()}
        inside: list[Node | str] = ["dtype=", fields["dtype"]] if "dtype" in fields else []
        if "shape" in fields:
            inside += [", shape=", fields["shape"]]
        return f"<{name} ", [*inside, ">"]
    name = name.partition(" of ")[0] or kind
    inside = []
    for key, value in node.pairs():
        if inside:
            inside.append(", ")
        if str(key.value) not in ("content", "text", "items", "args"):
            inside.append(f"{key.value}=")
        inside.append(value)
    return f"{name}(", [*inside, ")"]


def outcome_text(payload: bytes, room: int = 200) -> str:
    """What a call did, in words: "returned [1, 2]", "raised KeyError: 'x'". Raises Malformed."""
    outcome = parts_of(payload).get("outcome")
    if outcome is None or outcome.tag != "t" or not outcome.children:
        raise Malformed("no outcome")
    kind, *rest = outcome.children
    if kind.value == "raise" and len(rest) >= 3:
        text = str(rest[2].value)[:room]
        raised = f"raised {rest[0].value}" + (f": {text}" if text else "")
        return "".join(c if c.isprintable() else " " for c in raised)
    if kind.value == "return" and rest:
        return "returned " + text_of(rest[0], room)
    if kind.value in ("digest", "unencodable"):
        return "returned a value too large to show"
    if len(rest) >= 3:
        ended = rest[2].children[0].value if rest[2].children else ""
        ending = {"raise": ", then raised", "cap": ", and more"}.get(str(ended), "")
        return f"{kind.value} {rest[0].value} of {text_of(rest[1], room)}{ending}"
    return text_of(outcome, room)
