"""Reads speedscope's file format (https://www.speedscope.app/file-format-schema.json).

Both kinds of profile in it are read: "sampled" (stacks, root first, with weights) and "evented"
(frames opened and closed). The threads of a file are added up. py-spy, austin, pyinstrument and
others write it; a frame's line may be the one that was running, so functions are found by the lines
that they span. Read twice, since frames and weights may stand behind the stacks that need them:
first all but the stacks, then the stacks, one by one.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from analysis.profiles.damage import Damaged
from analysis.profiles.file import ProfileFile
from analysis.profiles.json_cursor import Cursor
from analysis.profiles.json_stream import as_dict, as_index, as_list, as_number, looks_like_json
from analysis.profiles.model import Profile, Unit
from analysis.profiles.places import Places
from analysis.profiles.tally import OWN, OWN_NAME, ROOT, Tally

_SECONDS = {"nanoseconds": 1e-9, "microseconds": 1e-6, "milliseconds": 1e-3, "seconds": 1.0}
_UNITS = (*_SECONDS, "none", "bytes")
_ONLY_INT = {int}
_MAX_SAMPLES = 20_000_000
_MAX_PROFILES = 100_000


@dataclass
class _Part:
    """One profile of the file (a thread mostly), without its stacks."""

    kind: object = None
    unit: object = None
    start: float = 0.0
    end: float = 0.0
    weights: array[float] = field(default_factory=lambda: array("d"))
    has_stacks: bool = False
    has_weights: bool = False


@dataclass
class _Head:
    frames: list[int] | None = None
    parts: list[_Part] | None = None
    exporter: str = "speedscope"
    samples: int = 0


def recognises(head: bytes) -> bool:
    """Whether it is a JSON object that begins with what speedscope's schema knows."""
    if not looks_like_json(head) or head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] != b"{":
        return False
    if b"speedscope.app/file-format-schema" in head:
        return True
    return b'"profiles"' in head or (b'"shared"' in head and b'"threads"' not in head)


def read(file: ProfileFile, places: Places) -> Profile:
    """The profile in a speedscope file. Raises Truncated or Damaged."""
    file.passes = 2
    tally = Tally(places)
    with Cursor(file) as cursor:
        head = _read_head(cursor, tally)
    if head.frames is None:
        raise Damaged("it names no frames")
    if head.parts is None:
        raise Damaged("it holds no profiles")
    if not all(isinstance(p.unit, str) and p.unit in _UNITS for p in head.parts):
        raise Damaged("a profile without a known unit")
    # Weights of several units can't be added: time before all else, else what comes first.
    units = [str(part.unit) for part in head.parts]
    timed = any(unit in _SECONDS for unit in units)
    with Cursor(file) as cursor:
        for key in cursor.members():
            if key == "profiles":
                for number in cursor.elements():
                    part, unit = head.parts[number], units[number]
                    if unit in _SECONDS if timed else unit == units[0]:
                        _read_stacks(cursor, part, _SECONDS.get(unit, 1.0), head.frames, tally)
    counted: Unit = "seconds" if timed else "bytes" if units[:1] == ["bytes"] else "samples"
    sampled = any(part.kind == "sampled" for part in head.parts)
    tool = head.exporter.split("@")[0][:40]
    return tally.profile(tool, counted, sampled=sampled or tool == "pyinstrument")


def _read_head(cursor: Cursor, tally: Tally) -> _Head:
    head = _Head()
    for key in cursor.members():
        if key == "shared":
            for inner in cursor.members():
                if inner == "frames":
                    head.frames = [_frame(as_dict(frame), tally) for frame in cursor.values()]
        elif key == "profiles":
            head.parts = []
            for number in cursor.elements():
                if number >= _MAX_PROFILES:
                    raise Damaged(f"more than {_MAX_PROFILES} profiles")
                head.parts.append(_read_part(cursor, head))
        elif key == "exporter":
            head.exporter = str(cursor.value() or head.exporter)
    cursor.end()
    return head


def _frame(frame: dict[str, Any], tally: Tally) -> int:
    name, path, line = frame.get("name"), frame.get("file"), frame.get("line")
    if name == OWN_NAME and not path:  # of pyinstrument
        return OWN
    return tally.frame(
        path if isinstance(path, str) else "",
        name if isinstance(name, str) else "?",
        line if isinstance(line, int) and line > 0 else None,
    )


def _read_part(cursor: Cursor, head: _Head) -> _Part:
    part = _Part()
    for key in cursor.members():
        if key == "type":
            part.kind = cursor.value()
        elif key == "unit":
            part.unit = cursor.value()
        elif key == "startValue":
            part.start = as_number(cursor.value())
        elif key == "endValue":
            part.end = as_number(cursor.value())
        elif key == "weights":
            part.has_weights = True
            del part.weights[:]
            for weight in cursor.values():
                part.weights.append(as_number(weight))
                head.samples += 1
                if head.samples > _MAX_SAMPLES:
                    raise Damaged(f"more than {_MAX_SAMPLES} samples")
        elif key in ("samples", "events"):
            part.has_stacks = True
    return part


def _read_stacks(
    cursor: Cursor, part: _Part, scale: float, frames: list[int], tally: Tally
) -> None:
    reader = _READERS.get(str(part.kind))
    if reader is None:
        raise Damaged("a profile that is neither sampled nor evented")
    key, read_stacks = reader
    for member in cursor.members():
        if member == key:
            read_stacks(cursor, part, scale, frames, tally)
            key = ""
    if key:
        raise Damaged(f"a profile without {key}")


def _sampled(cursor: Cursor, part: _Part, scale: float, frames: list[int], tally: Tally) -> None:
    weights, count, size = part.weights, 0, len(frames)
    for sample in cursor.values():
        if count == len(weights):
            raise Damaged("not as many weights as samples")
        stack = as_list(sample)
        if stack and (set(map(type, stack)) != _ONLY_INT or min(stack) < 0 or max(stack) >= size):
            raise Damaged("a stack names a frame that is not there")
        tally.add(map(frames.__getitem__, stack), weights[count] * scale)
        count += 1
    if count != len(weights):
        raise Damaged("not as many weights as samples")


def _evented(cursor: Cursor, part: _Part, scale: float, frames: list[int], tally: Tally) -> None:
    """Each event costs the same, however deep the stack is."""
    nodes, opened = [ROOT], [-1]
    now = part.start
    for raw in cursor.values():
        event = as_dict(raw)
        at = max(now, as_number(event.get("at")))
        if len(nodes) > 1:
            tally.spend(nodes[-1], (at - now) * scale)
        now = at
        frame = frames[as_index(event.get("frame"), len(frames))]
        if event.get("type") == "O":
            nodes.append(tally.child(nodes[-1], frame))
            opened.append(frame)
        elif event.get("type") == "C" and opened[-1] == frame:
            nodes.pop()
            opened.pop()
        else:
            raise Damaged("frames are closed in another order than they were opened")
        if tally.is_full:
            nodes = tally.renewed(opened[1:])
    if len(nodes) > 1:
        tally.spend(nodes[-1], (max(now, part.end) - now) * scale)


_READERS: dict[str, tuple[str, Callable[[Cursor, _Part, float, list[int], Tally], None]]] = {
    "sampled": ("samples", _sampled),
    "evented": ("events", _evented),
}
