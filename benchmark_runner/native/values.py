"""Inputs of C and C++ functions: plain values, made by their types, and as the bytes of a call."""

from __future__ import annotations

import math
import random
import struct
from collections.abc import Iterator, Sequence

from benchmark_runner.native.signature import Parameter, Signature

Value = int | float | bytes | tuple[int, ...] | tuple[float, ...]
"""A number, text, or an array of numbers."""

SIZES = (1, 2, 3, 5, 8, 33, 100, 257, 1000, 4096, 20_000, 0)
"""How long arrays and text are; nothing at all comes last, since it is often not meant."""
_EDGED, _ORDERED = (2, 7, 33, 100, 257), (2, 8, 100, 1000, 20_000)
"""Lengths of arrays with an extreme value in them, and of those in order."""
_RANGES = {"b": 7, "B": 8, "h": 15, "H": 16, "i": 31, "I": 32, "q": 63, "Q": 64}
_SMALL = (100, 10, 1000, 1, 100_000)
_LETTERS = b"abcdefghijklmnopqrstuvwxyz ABC,.019"
_MOST_SHOWN = 12


def generated(signature: Signature, seed: int = 0) -> Iterator[tuple[Value, ...]]:
    """Calls by type, of several sizes: small values, edge values, and in order."""
    rng = random.Random(seed)
    for style, sizes in enumerate((SIZES, _EDGED, _ORDERED)):
        for turn, size in enumerate(sizes):
            yield made(signature, rng, size, style, turn)


def made(
    signature: Signature, rng: random.Random, size: int, style: int, turn: int = 0
) -> tuple[Value, ...]:
    """One call with arrays of that length; integers that tell a length do so."""
    lengths = signature.lengths()
    values: list[Value] = []
    for place, parameter in enumerate(signature.parameters):
        if parameter.shape in ("text", "string"):
            values.append(bytes(rng.choice(_LETTERS) for _ in range(size)))
        elif parameter.shape in ("pointer", "vector"):
            values.append(_array(parameter, rng, size, style, turn))
        elif place in lengths:
            values.append(size)
        else:
            values.append(_scalar(parameter.code, rng, size, style, turn))
    return tuple(values)


def _array(
    parameter: Parameter, rng: random.Random, size: int, style: int, turn: int
) -> tuple[int, ...] | tuple[float, ...]:
    items = [_item(parameter.code, rng, _SMALL[turn % len(_SMALL)]) for _ in range(size)]
    if style == 1 and size and size <= 257:
        items[rng.randrange(size)] = _edge(parameter.code, rng)
    if style == 2:
        items.sort()
        if turn % 3 == 2:
            items = [items[0]] * size if size else []
    return tuple(items)


def _item(code: str, rng: random.Random, most: int) -> int | float:
    if code in "fd":
        value = rng.uniform(-most, most)
        return struct.unpack("f", struct.pack("f", value))[0] if code == "f" else value
    if code == "?":
        return rng.randint(0, 1)
    top = min(most, 2 ** _RANGES[code] - 1)
    return rng.randint(0 if code.isupper() else -top, top)


def _edge(code: str, rng: random.Random) -> int | float:
    if code in "fd":
        return rng.choice((0.0, -0.0, math.inf, -math.inf, math.nan, 1e30, -1e-30))
    if code == "?":
        return 1
    bits = _RANGES[code]
    low = 0 if code.isupper() else -(2**bits)
    return rng.choice((low, 2**bits - 1, 0, 1))


def _scalar(code: str, rng: random.Random, size: int, style: int, turn: int) -> int | float:
    """A number on its own: small ones, up to the length of what is there, and edges."""
    if style == 1:
        return _edge(code, rng)
    if style == 2 and code not in "fd?":
        return rng.randint(0, max(1, min(size, 2 ** _RANGES[code] - 1)))
    return _item(code, rng, (10, 100, 20, 1000, 100_000)[turn % 5])


# -- as bytes


def encode(signature: Signature, values: Sequence[Value]) -> bytes:
    """The arguments as the shim reads them. Raises ValueError where one does not fit its type."""
    if len(values) != len(signature.parameters):
        raise ValueError(f"{len(values)} arguments, {len(signature.parameters)} are taken")
    pieces = []
    for place, (parameter, value) in enumerate(zip(signature.parameters, values, strict=True)):
        try:
            pieces.append(_encoded(parameter, value))
        except (struct.error, TypeError, OverflowError) as error:
            raise ValueError(f"argument {place} ({parameter.text}): {error}") from None
    return b"".join(pieces)


def _encoded(parameter: Parameter, value: Value) -> bytes:
    if parameter.shape == "scalar":
        if parameter.code in "fd":
            return struct.pack("<d", value)
        struct.pack("<" + parameter.code, value)  # whether it fits
        return struct.pack("<q" if not parameter.code.isupper() else "<Q", value)
    if isinstance(value, bytes):
        data = value + b"\0" if parameter.shape == "text" else value
        return _counted(len(data), data)
    if not isinstance(value, tuple):
        raise TypeError(f"{type(value).__name__}, an array is meant")
    data = struct.pack(f"<{len(value)}{parameter.code}", *value)
    return _counted(len(value), data)


def _counted(count: int, data: bytes) -> bytes:
    return struct.pack("<Q", count) + data + bytes(-len(data) % 8)


def call_text(signature: Signature, values: Sequence[Value]) -> str:
    """The call as one would write it, shortened."""
    return f"{signature.called}({', '.join(map(_shown, values))})"


def _shown(value: Value) -> str:
    if isinstance(value, bytes):
        text = value.decode("ascii", "backslashreplace")
        return repr(text) if len(text) <= 60 else f"{text[:60]!r}… ({len(text)} characters)"
    if isinstance(value, tuple):
        if len(value) <= _MOST_SHOWN:
            return "{" + ", ".join(map(repr, value)) + "}"
        head = ", ".join(map(repr, value[:6]))
        return "{" + f"{head}, … {len(value)} items" + "}"
    return repr(value)
