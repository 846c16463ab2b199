"""Reads what pyinstrument writes: a saved session (.pyisession), and its JSON renderer's tree.

A session holds each sample's stack, whose frames are texts: function, file and first line between
zero characters, then attributes, of which "l" is the line that runs. It is taken as the innermost
function is called or returns, so that one's line tells nothing, and only those that call are kept.
The renderer's tree has the time of each frame with all below it, and first lines only. What a
frame's own lines took is a frame without a file in it, "[self]".
"""

from __future__ import annotations

from analysis.profiles.damage import Damaged
from analysis.profiles.file import ProfileFile
from analysis.profiles.json_cursor import Cursor
from analysis.profiles.json_stream import as_number, looks_like_json
from analysis.profiles.model import Profile
from analysis.profiles.places import Places
from analysis.profiles.tally import OWN, OWN_NAME, ROOT, Tally

_BUILTIN = "<built-in>"
_MAX_CACHED_CHARS = 4_000


def recognises(head: bytes) -> bool:
    """Whether it is an object with the members that pyinstrument writes first."""
    return looks_like_json(head) and b'"sample_count"' in head and (
        b'"frame_records"' in head or b'"root_frame"' in head or b'"start_call_stack"' in head
        or b'"target_description"' in head
    )  # fmt: skip


def read(file: ProfileFile, places: Places) -> Profile:
    """The profile in a session or a tree. Raises Truncated or Damaged."""
    tally = Tally(places)
    with Cursor(file) as cursor:
        found = False
        for key in cursor.members():
            if key == "frame_records":
                _read_records(cursor, tally)
                found = True
            elif key == "root_frame" and cursor.kind() == "{":
                _read_tree(cursor, tally, ROOT)
                found = True
        cursor.end()
    if not found:
        raise Damaged("it holds no frames")
    return tally.profile("pyinstrument", "seconds", sampled=True)


def _read_records(cursor: Cursor, tally: Tally) -> None:
    known: dict[tuple[str, bool], int] = {}
    for record in cursor.values():
        match record:
            case [list() as texts, time]:
                frames = []
                for at, text in enumerate(texts, 1):
                    if not isinstance(text, str):
                        raise Damaged("a frame that is no text")
                    key = (text, at == len(texts))
                    frame = known.get(key)
                    if frame is None:
                        frame = _frame(text, tally, innermost=key[1])
                        if len(text) <= _MAX_CACHED_CHARS:
                            known[key] = frame
                    frames.append(frame)
                tally.add(frames, as_number(time))
            case _:
                raise Damaged("a sample that is no stack with a time")


def _frame(text: str, tally: Tally, *, innermost: bool) -> int:
    identity, *attributes = text.split("\x01")
    name, path, line = (*identity.split("\0"), "", "")[:3]
    runs = next((a[1:] for a in attributes if a[:1] == "l" and not innermost), "")
    native = path == _BUILTIN or not path
    return tally.frame(
        "" if native else path, name, _number(line), native=native, runs=_number(runs)
    )


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _read_tree(cursor: Cursor, tally: Tally, parent: int) -> float:
    """Read a frame with all below it; its time. What is not its children's is its own."""
    name, path, line, time, below = "?", "", 0, 0.0, 0.0
    node: int | None = None
    for key in cursor.members():
        if key == "children":
            # pyinstrument writes children last.
            node = _node(tally, parent, name, path, line)
            for _ in cursor.elements():
                below += _read_tree(cursor, tally, node)
            continue
        if key not in ("function", "file_path", "line_no", "time"):
            continue
        value = cursor.value()
        if key == "time":
            time = as_number(value)
        elif key == "line_no":
            line = value if isinstance(value, int) and not isinstance(value, bool) else 0
        elif isinstance(value, str):
            name, path = (value, path) if key == "function" else (name, value)
    if node is None:
        node = _node(tally, parent, name, path, line)
    tally.spend(node, time - below)
    return time


def _node(tally: Tally, parent: int, name: str, path: str, line: int) -> int:
    native = path == _BUILTIN or not path
    if name == OWN_NAME and native:
        return tally.child(parent, OWN)
    frame = tally.frame("" if native else path, name, line, native=native, runs=0)
    return tally.child(parent, frame)
