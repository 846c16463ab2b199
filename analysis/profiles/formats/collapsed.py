"""Reads collapsed (folded) stacks: a line per stack, outermost frame first, and a count.

``main;work (app.py:12) 42``, as py-spy's raw format and the stackcollapse scripts for flamegraph.pl
write them. Lines that are no stacks are left out; where they are many, the file is no such profile.
A file that was cut off between two lines can't be told from a whole one; one whose last line has
neither count nor end was cut off.
"""

from __future__ import annotations

import re

from analysis.profiles.damage import Damaged, Truncated
from analysis.profiles.file import ProfileFile
from analysis.profiles.frame_names import parse_frame
from analysis.profiles.model import Profile
from analysis.profiles.places import Places
from analysis.profiles.tally import Tally

_STACK = re.compile(rb"[^\x00-\x08\x0e-\x1f]*\S[ \t]+\d{1,18}(?:\.\d{1,18})?")
_COUNT = re.compile(rb"\d{1,18}(?:\.\d{1,18})?")
_MAX_CACHED_BYTES = 4_000
_LONG_BYTES = 10_000
_MOST_WRONG = 0.1
_FEW = 5


def recognises(head: bytes) -> bool:
    """Whether nearly all lines end with a count, and the first one does."""
    if b"\n" not in head and len(head) > _LONG_BYTES:  # one deep stack, longer than the head
        return b";" in head and b"\0" not in head and head[:1] not in (b"{", b"[", b"<")
    lines = head.splitlines()
    if len(lines) > 1 and not head.endswith(b"\n"):
        lines.pop()  # it goes on
    lines = [line.strip() for line in lines if line.strip()]
    fit = [_STACK.fullmatch(line) or _COUNT.fullmatch(line) for line in lines]
    return bool(lines) and _STACK.fullmatch(lines[0]) is not None and (
        sum(map(bool, fit)) >= 0.8 * len(fit)
    )  # fmt: skip


def read(file: ProfileFile, places: Places) -> Profile:
    """The profile in collapsed stacks. Raises Truncated or Damaged."""
    tally = Tally(places)
    known: dict[bytes, int] = {}
    right = wrong = 0
    for line in file.lines(ends=True):
        stack, _, count = line.rstrip().rpartition(b" ")
        if not stack and _COUNT.fullmatch(count):
            continue  # py-spy saw no frame
        if not stack or not _COUNT.fullmatch(count):
            if right and line.strip() and not line.endswith(b"\n"):
                raise Truncated
            wrong += bool(line.strip())
            if wrong > _FEW + _MOST_WRONG * right:
                raise Damaged("lines that are no stacks with a count")
            continue
        right += 1
        frames = []
        for text in stack.split(b";"):
            frame = known.get(text)
            if frame is None:
                name = parse_frame(text.decode("utf-8", "replace"))
                frame = tally.frame(name.path, name.name, name.line, native=name.native)
                if len(text) <= _MAX_CACHED_BYTES:
                    known[text] = frame
            frames.append(frame)
        tally.add(frames, float(count))
    if not right:
        raise Damaged("no line of it is a stack with a count")
    return tally.profile("collapsed stacks", "samples", sampled=True)
