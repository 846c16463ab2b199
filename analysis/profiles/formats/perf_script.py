"""Reads the text that ``perf script`` prints: a sample's head, then its frames, innermost first.

``python3 4711 12.345: 10101010 cpu-clock:`` and below it ``7f25 work+0x9d (/usr/bin/app)``, with
``app.c:12`` on a line of its own where ``-F +srcline`` was given. Python's own frames are there
under ``python -X perf`` as ``py::work:/app.py``, V8's under ``node --perf-basic-prof``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from analysis.profiles.damage import Damaged
from analysis.profiles.file import ProfileFile
from analysis.profiles.frame_names import FrameName, is_library, parse_frame
from analysis.profiles.model import Profile, Unit
from analysis.profiles.places import Places
from analysis.profiles.tally import Tally

_HEAD = re.compile(
    r"\S.*?\s-?\d+(?:/-?\d+)?\s+(?:\[\d+\]\s+)?(?:[\w.]{1,8}\s+)?\d+\.\d+:\s+"
    r"(?:(?P<period>\d{1,18})\s+)?(?P<event>[\w./:,=-]*[\w/])?"
)
_FRAME = re.compile(r"\s+([0-9a-f]{1,16})\s+(.*?)(?:\s+\(([^()]*(?:\([^()]*\)[^()]*)*)\))?\s*")
_SOURCE_LINE = re.compile(r"\s{1,4}(\S.*?):(\d{1,9})(?:\s+\(discriminator \d+\))?\s*")
_OFFSET = re.compile(r"\+0x[0-9a-f]+$")
_BEGIN = re.compile(rb"(?:#[^\n]*\n|[ \t]*\n)*([^\n]+)\n(?:[ \t]+[0-9a-f]{1,16} [^\n]*)?")
_NANOSECONDS = ("cpu-clock", "task-clock")
_MAX_CACHED_CHARS = 2_000
_MAX_CACHED = 500_000
_MAX_FRAMES = 5_000
_MAX_HEAD, _MAX_LINE = 1_000, 10_000
_MOST_WRONG = 0.1
_FEW = 20


@dataclass
class _Sample:
    event: str
    cost: float
    frames: list[FrameName] = field(default_factory=list)


def recognises(head: bytes) -> bool:
    """Whether it begins with the head of a sample, with frames below or the event behind it."""
    found = _BEGIN.match(head)
    if found is None or b"\0" in head:
        return False
    lines = found[0].decode("utf-8", "replace").splitlines()
    heads = [line for line in lines if _HEAD.match(line[:_MAX_HEAD]) and not line[:1].isspace()]
    return bool(heads) and (
        _FRAME.fullmatch(lines[-1][:_MAX_LINE]) is not None or heads[-1].endswith(":")
    )


def read(file: ProfileFile, places: Places) -> Profile:
    """The profile in perf script's text. Raises Truncated or Damaged."""
    reader = _Reader(Tally(places))
    for line in file.lines():
        reader.line(line.decode("utf-8", "replace"))
    return reader.profile()


class _Reader:
    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._known: dict[str, FrameName] = {}
        self._sample: _Sample | None = None
        self._unit: Unit | None = None
        self._right = self._wrong = 0

    def line(self, line: str) -> None:
        if not line.strip():
            self._end()
        elif line.startswith("#"):
            pass
        elif not line[0].isspace():
            self._end()
            head = _HEAD.match(line[:_MAX_HEAD])
            if head is None:
                self._is_wrong()
            else:
                self._right += 1
                period = float(head["period"] or 1)
                self._sample = _Sample((head["event"] or "").rstrip(":"), period)
        elif self._sample is None or len(line) > _MAX_LINE:
            self._is_wrong()
        elif frame := _FRAME.fullmatch(line):
            if len(self._sample.frames) >= _MAX_FRAMES:
                raise Damaged(f"a stack of more than {_MAX_FRAMES} frames")
            self._sample.frames.append(self._frame(frame[2], frame[3] or ""))
        elif (source := _SOURCE_LINE.fullmatch(line)) and self._sample.frames:
            said = self._sample.frames[-1]
            if not said.path and not said.native:
                self._sample.frames[-1] = FrameName(source[1], said.name, int(source[2]), False)
        else:
            self._is_wrong()

    def profile(self) -> Profile:
        self._end()
        if not self._right:
            raise Damaged("it has no samples")
        scale = 1e-9 if self._unit == "seconds" else 1.0
        return self._tally.profile("perf", self._unit or "samples", sampled=True, scale=scale)

    def _frame(self, symbol: str, module: str) -> FrameName:
        key = f"{symbol}\0{module}"
        frame = self._known.get(key)
        if frame is None:
            frame = _frame_name(_OFFSET.sub("", symbol), module)
            if len(key) <= _MAX_CACHED_CHARS and len(self._known) < _MAX_CACHED:
                self._known[key] = frame
        return frame

    def _end(self) -> None:
        sample, self._sample = self._sample, None
        if sample is None:
            return
        unit, cost = _unit_of(sample)
        # Costs of several events can't be added: what comes first counts.
        self._unit = self._unit or unit
        if unit == self._unit:
            frames = [self._tally.frame(f.path, f.name, f.line, native=f.native)
                      for f in reversed(sample.frames)]  # fmt: skip
            self._tally.add(frames, cost)

    def _is_wrong(self) -> None:
        self._wrong += 1
        if self._wrong > _FEW + _MOST_WRONG * self._right:
            raise Damaged("lines that are neither samples nor frames")


def _unit_of(sample: _Sample) -> tuple[Unit, float]:
    name = sample.event.split(":")[0]
    if name in _NANOSECONDS and sample.cost > 1:
        return "seconds", sample.cost
    if name == "instructions" and sample.cost > 1:
        return "instructions", sample.cost
    return "samples", 1.0


def _frame_name(symbol: str, module: str) -> FrameName:
    frame = parse_frame(symbol)
    if frame.path or frame.native:
        return frame
    if symbol == "[unknown]" or is_library(module):
        return FrameName("", symbol, None, True)
    return FrameName("", symbol, None, False)
