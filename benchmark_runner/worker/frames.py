"""The supervisor's end of the pipes: length-prefixed frames, with deadlines and a size cap.

A request carries a random nonce that its reply repeats. Everything that is not exactly the reply
asked for (bytes nobody asked for, a wrong nonce, more bytes behind, the end of the pipe, a frame
above the cap) is WorkerDied: a candidate may write to the pipe too.
"""

from __future__ import annotations

import os
import select
import time
from dataclasses import dataclass

from benchmark_runner.errors import WorkerDied
from benchmark_runner.worker import harness

_HEAD = 13


@dataclass(frozen=True)
class Reply:
    """The body of a reply; `ok` is False when the request failed in the user's code."""

    ok: bool
    body: bytes


class Channel:
    """One worker's pipes. Not for several threads at once."""

    def __init__(self, read_fd: int, write_fd: int, cap: int) -> None:
        self.read_fd = read_fd
        self.write_fd = write_fd
        self.cap = cap
        os.set_blocking(read_fd, False)
        os.set_blocking(write_fd, False)
        self._readable = select.poll()
        self._readable.register(read_fd, select.POLLIN)
        self._writable = select.poll()
        self._writable.register(write_fd, select.POLLOUT)

    def close(self) -> None:
        """Close both pipes."""
        for descriptor in (self.read_fd, self.write_fd):
            os.close(descriptor)

    def request(self, operation: bytes, value: object, seconds: float) -> Reply:
        """Ask, and wait for the reply at most so many wall seconds."""
        deadline = time.monotonic() + seconds
        self.expect_silence()
        body = b"" if value is None else harness.encode(value)
        nonce = os.urandom(8)
        self._send(len(body).to_bytes(4, "little") + nonce + operation + body, deadline)
        return self._receive(nonce, deadline)

    def wait_readable(self, milliseconds: float) -> bool:
        """Whether bytes (or the end) arrive within that time."""
        return bool(self._readable.poll(milliseconds))

    def receive_empty(self, nonce: bytes) -> None:
        """Read a reply without a body, all of whose bytes must be there by now."""
        try:
            data = os.read(self.read_fd, _HEAD + 1)
        except BlockingIOError:
            data = b""
        if not data:
            raise WorkerDied("the worker ended", code="ended")
        if data != b"\0\0\0\0" + nonce + b"k":
            raise WorkerDied("the worker sent a frame that is no reply", code="protocol")

    def expect_silence(self) -> None:
        """Raise WorkerDied when there are bytes that nobody asked for."""
        if self._readable.poll(0):
            self._unasked()

    def _unasked(self) -> None:
        try:
            data = os.read(self.read_fd, 64)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            raise WorkerDied("the worker wrote bytes that nobody asked for", code="protocol")
        raise WorkerDied("the worker ended", code="ended")

    def _send(self, data: bytes, deadline: float) -> None:
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(self.write_fd, view) :]
            except BlockingIOError:
                self._wait(self._writable, deadline)
            except BrokenPipeError:
                raise WorkerDied("the worker ended", code="ended") from None

    @staticmethod
    def _wait(poller: select.poll, deadline: float) -> None:
        left = deadline - time.monotonic()
        if left <= 0 or not poller.poll(left * 1000):
            raise WorkerDied("the worker did not answer in time", code="timeout")

    def _read(self, size: int, deadline: float) -> bytes:
        pieces, missing = [], size
        while missing:
            try:
                piece = os.read(self.read_fd, min(missing, 1 << 20))
            except BlockingIOError:
                self._wait(self._readable, deadline)
                continue
            if not piece:
                raise WorkerDied("the worker ended", code="ended")
            pieces.append(piece)
            missing -= len(piece)
        return b"".join(pieces)

    def _receive(self, nonce: bytes, deadline: float) -> Reply:
        head = self._read(_HEAD, deadline)
        size = int.from_bytes(head[:4], "little")
        if head[4:12] != nonce or head[12:] not in (b"k", b"f"):
            raise WorkerDied("the worker sent a frame that is no reply", code="protocol")
        if size > self.cap:
            raise WorkerDied(f"the worker sent a frame of {size} bytes", code="too-large")
        body = self._read(size, deadline) if size else b""
        self.expect_silence()
        return Reply(head[12:] == b"k", body)
