"""The wire format of protocol buffers, as far as a profile needs it.

https://protobuf.dev/programming-guides/encoding/. A message is read field by field out of bytes in
memory; nothing is built by what a length claims, and nested messages are places in the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator

from analysis.profiles.damage import Damaged, Truncated

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
_MAX_VARINT = 10
_SIGN, _WORD = 1 << 63, (1 << 64) - 1

Field = tuple[int, int, int, int]
"""A field's number, its wire type, and (value, 0), or where its bytes start and end."""


def varint(data: bytes, at: int, end: int) -> tuple[int, int]:
    """The number at a place, and the place behind it. Raises Truncated or Damaged."""
    value = shift = 0
    for place in range(at, min(end, at + _MAX_VARINT)):
        byte = data[place]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & _WORD, place + 1
        shift += 7
    if end - at < _MAX_VARINT:
        raise Truncated
    raise Damaged("a number of more than 64 bits")


def fields(data: bytes, start: int, end: int) -> Iterator[Field]:
    """The fields of the message between two places. Raises Truncated or Damaged."""
    at = start
    while at < end:
        tag, at = varint(data, at, end)
        number, wire = tag >> 3, tag & 7
        if wire == VARINT:
            value, at = varint(data, at, end)
            yield number, wire, value, 0
        elif wire == LENGTH:
            size, at = varint(data, at, end)
            if size > end - at:
                raise Truncated
            yield number, wire, at, at + size
            at += size
        elif wire in (FIXED64, FIXED32):
            size = 8 if wire == FIXED64 else 4
            if size > end - at:
                raise Truncated
            yield number, wire, at, at + size
            at += size
        else:
            raise Damaged(f"wire type {wire}")


def numbers(data: bytes, field: Field) -> Iterator[int]:
    """The numbers of a repeated field, which may be packed or one. Raises Truncated or Damaged."""
    _, wire, at, end = field
    if wire == VARINT:
        yield at
    elif wire == LENGTH:
        while at < end:
            value, at = varint(data, at, end)
            yield value
    else:
        raise Damaged("a number of another kind")


def signed(value: int) -> int:
    """An int64 out of its varint."""
    return value - _WORD - 1 if value & _SIGN else value
