"""Reads what austin writes as text: ``P123;T0:7f;/app.py:main:3;/app.py:work:12 10250``.

Lines that begin with ``#`` are metadata, of which the mode says what is counted: microseconds
("wall", "cpu"), bytes ("memory"), or "full": microseconds, idle, bytes, of which the time that was
not idle counts. A line that was cut off is left out.
"""

from __future__ import annotations

import re

from analysis.profiles.damage import Damaged
from analysis.profiles.file import ProfileFile
from analysis.profiles.model import Profile, Unit
from analysis.profiles.places import Places
from analysis.profiles.tally import Tally

_BEGIN = re.compile(rb"\s*(?:#\s*austin:|P\d+;T[^;\n]*;)")
_OLD_FRAME = re.compile(r"(.+) \((.+)\)")
_NATIVE = re.compile(r"kernel$|.*(?:\.so[.\d]*|\.dylib|\.dll|\.exe|/python[\d.]*)$")
_MAX_CACHED_BYTES = 4_000
_MOST_WRONG = 0.1
_FEW = 5
_MAX_COST = 10**18


def recognises(head: bytes) -> bool:
    """Whether it begins with austin's metadata or with a process and a thread."""
    return _BEGIN.match(head) is not None


def read(file: ProfileFile, places: Places) -> Profile:
    """The profile in austin's text. Raises Truncated or Damaged."""
    tally = Tally(places)
    known: dict[bytes, int] = {}
    mode, right, wrong = "wall", 0, 0
    for line in file.lines():
        if line.startswith(b"#"):
            key, _, value = line[1:].decode("utf-8", "replace").partition(":")
            if key.strip() == "mode":
                mode = value.strip()
            continue
        stack, _, metrics = line.rstrip().rpartition(b" ")
        cost = _cost(metrics)
        if cost is None or not stack.startswith(b"P"):
            wrong += bool(line.strip())
            if wrong > _FEW + _MOST_WRONG * right:
                raise Damaged("lines that are no stacks with a metric")
            continue
        right += 1
        frames = []
        for text in stack.split(b";")[2:]:
            frame = known.get(text)
            if frame is None:
                frame = frame_of(tally, text.decode("utf-8", "replace"))
                if len(text) <= _MAX_CACHED_BYTES:
                    known[text] = frame
            frames.append(frame)
        if frames:
            tally.add(frames, cost)
    return profile_of(tally, mode)


def profile_of(tally: Tally, mode: str) -> Profile:
    """The profile of costs in microseconds or bytes, by austin's mode."""
    unit: Unit = "bytes" if mode == "memory" else "seconds"
    return tally.profile("austin", unit, sampled=True, scale=1.0 if unit == "bytes" else 1e-6)


def frame_of(tally: Tally, text: str) -> int:
    """The number of a frame written as file:function:line, or function (file) by old versions."""
    parts = text.rsplit(":", 2)
    if len(parts) == 3 and parts[2].isascii() and parts[2].isdigit() and len(parts[2]) < 10:
        path, name, line = parts[0], parts[1], int(parts[2])
        if _NATIVE.match(path):
            return tally.frame("", name, None, native=True)
        return tally.frame(path, name, line or None)
    if found := _OLD_FRAME.fullmatch(text):
        return tally.frame(found[2], found[1], None)
    return tally.frame("", text, None, native=True)  # ":GC:", ":INVALID:", "L12"


def _cost(metrics: bytes) -> float | None:
    """Of one number itself, of three the time that was not idle; None where it is none of both."""
    try:
        numbers = [int(number) for number in metrics.split(b",")]
    except ValueError:
        return None
    if any(abs(number) > _MAX_COST for number in numbers):
        return None
    if len(numbers) == 3:
        return 0.0 if numbers[1] else float(numbers[0])
    return float(numbers[0]) if len(numbers) == 1 else None
