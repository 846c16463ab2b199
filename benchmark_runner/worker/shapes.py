"""What arguments are made of, by types and sizes: never a value of them.

For whoever is to judge a function without seeing data that may be private.
"""

from __future__ import annotations

from collections.abc import Iterable

from benchmark_runner.worker.canonical_tree import Malformed, Node, parts_of

_DEPTH = 4
_KINDS = 3
_SAMPLE = 200
_ATOMS = {
    "N": "None", "T": "bool", "F": "bool", "i": "int", "j": "int", "f": "float", "c": "complex",
    "s": "str", "b": "bytes", "y": "bytearray", "r": "(the same object again)",
}  # fmt: skip
_CONTAINERS = {"l": "list", "t": "tuple", "S": "set", "Z": "frozenset", "d": "dict"}


def argument_shapes(payload: bytes) -> str | None:
    """The arguments of an observed call: "list of 280 (tuple of 2 (int)), row=int".

    None where the observation does not show them.
    """
    try:
        node = parts_of(payload).get("arguments")
    except Malformed:
        return None
    if node is None or node.tag != "t" or len(node.children) != 2:
        return None
    args, kwargs = node.children
    parts = [_shape(child, _DEPTH) for child in args.children]
    if kwargs.tag == "d":
        parts += [f"{k.value}={_shape(v, _DEPTH)}" for k, v in kwargs.pairs()]
    return ", ".join(parts)


def _shape(node: Node, depth: int) -> str:
    if node.tag in _ATOMS:
        if isinstance(node.value, str | bytes) and node.tag != "r":
            return f"{_ATOMS[node.tag]} of {len(node.value)}"
        return _ATOMS[node.tag]
    if node.tag in "Oo":
        kind, _, name = node.label.partition(" ")
        return name.partition(" of ")[0] or kind
    name = _CONTAINERS.get(node.tag, "object")
    if node.tag == "d":
        keys = _kinds((k for k, _ in _sampled(node)), depth - 1)
        values = _kinds((v for _, v in _sampled(node)), depth - 1)
        inside = f"{keys}: {values}" if keys else ""
        count = len(node.children) // 2
    else:
        inside = _kinds(node.children[:_SAMPLE], depth - 1)
        count = len(node.children)
    return f"{name} of {count}" + (f" ({inside})" if inside else "")


def _sampled(node: Node) -> Iterable[tuple[Node, Node]]:
    return zip(node.children[: 2 * _SAMPLE : 2], node.children[1 : 2 * _SAMPLE : 2], strict=True)


def _kinds(nodes: Iterable[Node], depth: int) -> str:
    """The different shapes among some values; only their types where there are many."""
    if depth <= 0:
        return "..."
    found = list(dict.fromkeys(_shape(node, depth) for node in nodes if node.tag != "r"))
    names = list(dict.fromkeys(s.partition(" of ")[0] for s in found))
    if len(found) > _KINDS:  # many sizes of few types: the types say enough
        found = names
    more = " or ..." if len(found) > _KINDS else ""
    return " or ".join(found[:_KINDS]) + more
