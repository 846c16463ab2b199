"""Comparison of what two programs print: as contest judges do, and no laxer.

Whitespace at the ends of lines and empty lines at the end of the text don't count; everything else
does. With a rounding, tokens that are floats in both texts may differ by so much.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

_FLOAT = re.compile(rb"[+-]?(\d+\.\d*|\.\d+|\d+)([eE][+-]?\d+)?")
_SHOWN = 60


@dataclass(frozen=True)
class Compared:
    """`where` says in words where the texts differ, None if they do not.

    `max_relative` is the largest relative difference of two floats; `spaces` whether only
    whitespace at line ends or at the end differs.
    """

    where: str | None = None
    max_relative: float = 0.0
    spaces: bool = False


def stripped(data: bytes) -> list[bytes]:
    """The lines without whitespace at their ends, and without empty lines at the end."""
    lines = [line.rstrip() for line in data.split(b"\n")]
    while lines and not lines[-1]:
        lines.pop()
    return lines


def compare(expected: bytes, got: bytes, rounding: float | None = None) -> Compared:
    """Compare two outputs. `rounding` is the largest relative difference of floats, None: exact."""
    if expected == got:
        return Compared()
    old, new = stripped(expected), stripped(got)
    if old == new:
        return Compared(spaces=True)
    worst = 0.0
    for number, (before, after) in enumerate(zip(old, new, strict=False), 1):
        if before == after:
            continue
        relative = None if rounding is None else _relative(before.split(), after.split())
        if relative is None or rounding is None or relative > rounding:
            return Compared(f"line {number}: {_short(before)}, now {_short(after)}")
        worst = max(worst, relative)
    if len(old) != len(new):
        return Compared(f"{len(old)} lines, now {len(new)}")
    return Compared(max_relative=worst)


def _relative(old: list[bytes], new: list[bytes]) -> float | None:
    """The largest relative difference of two lines that differ in floats only, else None.

    A pair of integers is compared exactly: 1000000 is not 1000001.
    """
    if len(old) != len(new):
        return None
    worst = 0.0
    for before, after in zip(old, new, strict=True):
        if before == after:
            continue
        if not (_FLOAT.fullmatch(before) and _FLOAT.fullmatch(after)):
            return None
        if before.lstrip(b"+-").isdigit() and after.lstrip(b"+-").isdigit():
            return None
        a, b = float(before), float(after)
        if not (math.isfinite(a) and math.isfinite(b)):
            return None
        worst = max(worst, abs(a - b) / max(abs(a), abs(b), 1e-300))
    return worst


def _short(data: bytes) -> str:
    text = data.decode("utf-8", "backslashreplace")
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "…")
