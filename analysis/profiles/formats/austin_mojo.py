"""Reads MOJO, the binary form of what austin writes (``austin -b``, and always since version 4).

Events of one byte and their fields: integers of variable length, and strings that end with a zero.
Strings and frames are told once per process and referred to by number.
"""

from __future__ import annotations

from analysis.profiles.damage import Damaged, Truncated
from analysis.profiles.file import ProfileFile
from analysis.profiles.formats.austin import profile_of
from analysis.profiles.model import Profile
from analysis.profiles.places import Places
from analysis.profiles.tally import Tally

_MAGIC = b"MOJ"
_MAX_INT_BYTES = 10
_MAX_STRING = 1_000_000


def recognises(head: bytes) -> bool:
    """Whether it begins with MOJO's mark and a version."""
    return head.startswith(_MAGIC) and len(head[3:4]) > 0 and 0 < head[3] < 32


def read(file: ProfileFile, places: Places) -> Profile:
    """The profile in a MOJO file. Raises Truncated or Damaged."""
    return _Mojo(file.whole(), Tally(places)).profile()


class _Mojo:
    def __init__(self, data: bytes, tally: Tally) -> None:
        self._data, self._at, self._tally = data, len(_MAGIC), tally
        self._strings: dict[tuple[int, int], str] = {}
        self._frames: dict[tuple[int, int], int] = {}
        self._last: dict[tuple[int, str], list[int]] = {}
        self._mode = "wall"
        self._pid, self._thread = 0, ""
        self._stack: list[int] = []
        self._time = self._memory = 0
        self._idle = False
        self._of_task = 0

    def profile(self) -> Profile:
        version = self._int()
        while self._at < len(self._data):
            self._event(version)
        self._sampled()
        return profile_of(self._tally, self._mode)

    def _event(self, version: int) -> None:
        match self._byte():
            case 1:  # metadata
                key, value = self._text(), self._text()
                if key == "mode":
                    self._mode = value
            case 2:  # a sample begins
                self._sampled()
                self._pid = self._int()
                if version >= 3:
                    self._int()  # the interpreter
                self._thread = self._text()
            case 3:  # a frame is told
                self._frame(version)
            case 4:  # an invalid frame
                self._push(self._tally.frame("", "invalid", None, native=True))
            case 5:  # a frame of the stack
                frame = self._frames.get((self._pid, self._int()))
                if frame is None:
                    raise Damaged("a stack names a frame that is not there")
                self._push(frame)
            case 6:  # a frame of the kernel
                self._push(self._tally.frame("", self._text(), None, native=True))
            case 7:  # the garbage collector runs
                pass
            case 8:  # the thread waits
                self._idle = True
            case 9:  # microseconds
                self._time = self._int()
            case 10:  # bytes
                self._memory = self._int()
            case 11:  # a string is told
                key_number = self._int()
                self._strings[self._pid, key_number] = self._text()
            case 12 | 16:  # a string is named; the task that runs
                self._int()
            case 13:  # the thread's last stack, below what was told
                self._stack = [*self._last.get((self._pid, self._thread), []), *self._stack]
            case 14:  # a task's stack: its frames come next
                self._int(), self._int()
                self._of_task = self._int()
            case 15:  # a task waits for another
                self._int(), self._int()
            case other:
                raise Damaged(f"event {other} is not known")

    def _frame(self, version: int) -> None:
        key, path, name, line = self._int(), self._name(), self._name(), self._int()
        if version >= 2:
            for _ in range(3):  # its last line and its columns
                self._int()
        self._frames[self._pid, key] = self._tally.frame(path, name, line if line > 0 else None)

    def _push(self, frame: int) -> None:
        if self._of_task > 0:
            self._of_task -= 1
        else:
            self._stack.append(frame)

    def _sampled(self) -> None:
        """End the sample that was told up to here."""
        cost = self._memory if self._mode == "memory" else self._time
        if self._mode == "full" and self._idle:
            cost = 0
        if self._stack:
            self._tally.add(self._stack, float(cost))
            self._last[self._pid, self._thread] = self._stack
        self._stack, self._time, self._memory, self._idle, self._of_task = [], 0, 0, False, 0

    def _name(self) -> str:
        return self._strings.get((self._pid, self._int()), "?")

    def _byte(self) -> int:
        if self._at >= len(self._data):
            raise Truncated
        self._at += 1
        return self._data[self._at - 1]

    def _int(self) -> int:
        first = byte = self._byte()
        value, shift = first & 0x3F, 6
        while byte & 0x80:
            if shift > 7 * _MAX_INT_BYTES:
                raise Damaged("a number beyond all measure")
            byte = self._byte()
            value |= (byte & 0x7F) << shift
            shift += 7
        return -value if first & 0x40 else value

    def _text(self) -> str:
        end = self._data.find(b"\0", self._at, self._at + _MAX_STRING)
        if end < 0:
            raise Truncated if self._at + _MAX_STRING > len(self._data) else Damaged("endless text")
        begin, self._at = self._at, end + 1
        return self._data[begin:end].decode("utf-8", "replace")
