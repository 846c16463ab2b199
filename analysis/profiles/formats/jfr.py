"""Reads what ``jfr print --json`` prints of a recording of the JVM's flight recorder.

https://docs.oracle.com/en/java/javase/21/docs/specs/man/jfr.html. Execution samples are counted;
where a recording has none, the bytes that allocation samples stand for. A frame names its class,
whose package and outer class are the file's path, as Java's compilers ask for. hasten reads Java's
profiles, not its source: functions have the names that the JVM gives them.
"""

from __future__ import annotations

from typing import Any

from analysis.profiles.damage import Damaged
from analysis.profiles.file import ProfileFile
from analysis.profiles.json_cursor import Cursor
from analysis.profiles.json_stream import as_number, looks_like_json
from analysis.profiles.model import Profile
from analysis.profiles.places import Places
from analysis.profiles.tally import Tally

_SAMPLES = ("jdk.ExecutionSample", "jdk.CPUTimeSample")
_ALLOCATIONS = "jdk.ObjectAllocationSample"
_MAX_BYTES = 1e15


def recognises(head: bytes) -> bool:
    """Whether it is the JSON object that jfr prints."""
    begin = b"".join(head[:200].split())
    return looks_like_json(head) and begin.startswith(b'{"recording":')


def read(file: ProfileFile, places: Places) -> Profile:
    """The profile in jfr's output. Raises Truncated or Damaged."""
    samples, allocations = Tally(places, tells_lines=True), Tally(places, tells_lines=True)
    with Cursor(file) as cursor:
        for key in cursor.members():
            if key == "recording":
                for part in cursor.members():
                    if part == "events":
                        for _ in cursor.elements():
                            _event(cursor, samples, allocations)
        cursor.end()
    if samples.total > 0 or allocations.total <= 0:
        return samples.profile("jfr", "samples", sampled=True)
    return allocations.profile("jfr", "bytes", sampled=True)


def _event(cursor: Cursor, samples: Tally, allocations: Tally) -> None:
    kind: object = None
    weight = 0.0
    stack: list[tuple[str, str, int]] = []
    for key in cursor.members():
        if key == "type":
            kind = cursor.value()
        elif key == "values":
            for value in cursor.members():
                if value == "weight":
                    weight = as_number(cursor.value())
                elif value == "stackTrace" and cursor.kind() == "{":
                    stack = _stack(cursor)
    if kind in _SAMPLES and stack:
        samples.add([samples.frame(p, n, line) for p, n, line in reversed(stack)], 1.0)
    elif kind == _ALLOCATIONS and stack and 0 < weight < _MAX_BYTES:
        allocations.add([allocations.frame(p, n, line) for p, n, line in reversed(stack)], weight)


def _stack(cursor: Cursor) -> list[tuple[str, str, int]]:
    """Files, functions and lines, the innermost first."""
    found = []
    for key in cursor.members():
        if key == "frames":
            found = [_frame(frame) for frame in cursor.values()]
    return found


def _frame(frame: Any) -> tuple[str, str, int]:
    method = frame.get("method") if isinstance(frame, dict) else None
    kind = method.get("type") if isinstance(method, dict) else None
    if not isinstance(method, dict) or not isinstance(kind, dict):
        raise Damaged("a frame without a method")
    owner, name, line = kind.get("name"), method.get("name"), frame.get("lineNumber")
    if not isinstance(owner, str) or not isinstance(name, str):
        raise Damaged("a method without a name")
    at = line if isinstance(line, int) and not isinstance(line, bool) and line > 0 else 0
    inner = owner.replace(".", "/").rsplit("/", 1)[-1]
    outer = owner.replace(".", "/").split("$", 1)[0]
    return f"{outer}.java", f"{inner.replace('$', '.')}.{name}", at
