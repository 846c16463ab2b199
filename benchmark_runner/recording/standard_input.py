"""What a program of the user's reads from standard input: the same bytes in each of its runs.

Profiling and capturing run one program several times. A file is read again from where it stood;
what comes through a pipe is kept as it comes and given again. Nothing is waited for before a
program starts: a pipe that nobody writes to must not hold up a program that never reads it.
"""

from __future__ import annotations

import contextlib
import os
import select
import selectors
import stat
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Literal

from benchmark_runner.sandbox.leftovers import own_folder

MOST_BYTES = 64 << 20
"""Bytes of a pipe that are kept: where temporary files lie is memory on many machines. A file that
is redirected needs no bound, since it is not copied."""
_PIECE = 65_536
_LONG_AGO_S = 60.0


class StandardInput:
    """A descriptor that is given to one run after another; `close` frees what was kept of it.

    `path` is opened from its byte `start` on; without one it is our own standard input.
    """

    def __init__(self, path: str | None = None, start: int = 0) -> None:
        if path is None and sys.stdin is None:
            path = os.devnull  # ours is closed, and its number may be taken by any other file
        self._opened = path is not None
        # A pipe whose writers have gone would block until another one comes.
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
        self._number = 0 if path is None else os.open(path, flags)
        self._kind = _kind_of(self._number)
        self._start = start
        if self._kind == "file" and path is None:
            self._start = os.lseek(self._number, 0, os.SEEK_CUR)
        self._kept: tuple[int, int] | None = None
        self._size = 0
        self._lost: str | None = None
        self._marked: float | None = None
        self.ended = False
        """Whether all that a pipe had to give has come."""

    def __enter__(self) -> StandardInput:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Free what was kept, and the descriptor where it is not our own standard input."""
        for number in (*(self._kept or ()), *([self._number] if self._opened else [])):
            with contextlib.suppress(OSError):
                os.close(number)
        self._kept, self._opened = None, False

    def why_not_again(self) -> str | None:
        """Why another run would read something else than the last one; None where it would not."""
        if self._lost is not None:
            return f"what it read from a pipe {self._lost}: give it as a file (< FILE)"
        if self._marked is not None and os.fstat(self._number).st_atime != self._marked:
            return "it read from the terminal: give that as a file (< FILE)"
        return None

    def for_run(self) -> int | None:
        """The descriptor that a run inherits; None where it must be fed through a pipe (`Feed`)."""
        if self._kind == "pipe":
            return None
        if self._kind == "terminal":
            self._mark()
        return self.whole()

    def whole(self) -> int:
        """A descriptor of all that earlier runs could read, at its beginning."""
        if self._kind == "file":
            os.lseek(self._number, self._start, os.SEEK_SET)
        elif self._kind == "pipe":
            reader, _ = self._files()
            os.lseek(reader, 0, os.SEEK_SET)
            return reader
        return self._number

    def _mark(self) -> None:
        """Make it seen whether the terminal is read: Linux then sets the time of its last reading.

        It does so in steps of eight seconds only (`tty_update_time`), so that the last reading must
        lie long ago. Where this is not allowed nothing is known, and the user is asked again.
        """
        with contextlib.suppress(OSError):
            os.utime(self._number, (time.time() - _LONG_AGO_S,) * 2)
            self._marked = os.fstat(self._number).st_atime

    def _files(self) -> tuple[int, int]:
        """What was kept, to read and to write: a program that is given the first can't write."""
        if self._kept is None:
            writer, name = tempfile.mkstemp(prefix="stdin-", dir=own_folder())
            self._kept = os.open(name, os.O_RDONLY | os.O_CLOEXEC), writer
            Path(name).unlink()
        return self._kept

    def fileno(self) -> int:
        """The descriptor that a pipe's bytes come from."""
        return self._number

    def kept_from(self, position: int) -> bytes:
        """Bytes that came already, from a position on; empty where there are no more of them."""
        return os.pread(self._files()[0], _PIECE, position)

    def receive(self) -> bytes:
        """Bytes that have come through the pipe since, and are kept from now on; never waits."""
        if not self._opened and not select.select([self._number], [], [], 0)[0]:
            return b""
        try:
            data = os.read(self._number, _PIECE)
        except BlockingIOError:
            return b""
        except OSError:
            data = b""  # a socket whose other end was reset
        self.ended = not data
        if self._size + len(data) > MOST_BYTES:
            self._lost = f"is more than the {MOST_BYTES >> 20} MB that are kept"
        if self._lost is None:
            self._keep(data)
        return data

    def _keep(self, data: bytes) -> None:
        """Write it down for further runs; this run goes on also where there is no room for it."""
        self._size += len(data)
        try:
            while data:
                data = data[os.write(self._files()[1], data) :]
        except OSError as error:
            self._lost = f"can't be kept ({error.strerror})"


def _kind_of(number: int) -> Literal["file", "pipe", "terminal", "device"]:
    mode = os.fstat(number).st_mode
    if stat.S_ISREG(mode):
        return "file"
    if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):
        return "pipe"
    return "terminal" if os.isatty(number) else "device"


class Feed:
    """Gives one run what comes through a pipe: first what was kept, then what comes during the run.

    It waits by `selector` for whatever it can do next, and never by itself.
    """

    def __init__(
        self, source: StandardInput, pipe: IO[bytes], selector: selectors.BaseSelector
    ) -> None:
        self._source, self._pipe, self._selector = source, pipe, selector
        self._position = 0
        self._pending = b""
        self._waiting: int | None = None
        os.set_blocking(pipe.fileno(), False)

    def step(self) -> None:
        """Pass on what can be passed on now, and have the selector wait for the rest."""
        if self._pipe.closed:
            return
        if not self._pending:
            self._pending = self._source.kept_from(self._position)
            if not self._pending and not self._source.ended:
                self._pending = self._source.receive()
            self._position += len(self._pending)
        if self._pending:
            try:
                self._pending = self._pending[os.write(self._pipe.fileno(), self._pending) :]
            except BlockingIOError:
                pass
            except OSError:
                self.stop()  # the program has closed its standard input
                return
        elif self._source.ended:
            self.stop()
            return
        self._wait_for(self._pipe.fileno() if self._pending else self._source.fileno())

    def stop(self) -> None:
        """Close the pipe: the program reads its end."""
        self._wait_for(None)
        with contextlib.suppress(OSError):
            self._pipe.close()

    def _wait_for(self, number: int | None) -> None:
        if number == self._waiting:
            return
        if self._waiting is not None:
            self._selector.unregister(self._waiting)
        if number is not None:
            writes = number == self._pipe.fileno()
            event = selectors.EVENT_WRITE if writes else selectors.EVENT_READ
            self._selector.register(number, event, "in")
        self._waiting = number
