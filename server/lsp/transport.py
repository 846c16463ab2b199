"""Messages over standard input and output, on the event loop alone.

pygls reads stdin in the thread pool that its handlers share, so that busy handlers stop the reading
and a cancel is not even seen. Here the loop itself reads when the pipe has data, and writes no more
than the pipe takes: no thread, no lock, and neither a full pipe nor a slow client blocks a hover.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import select
from collections import deque
from collections.abc import Callable
from typing import Any

logger = logging.getLogger(__name__)

_CHUNK = 1 << 16
_LENGTH = re.compile(rb"^content-length:[ \t]*(\d+)[ \t]*$", re.IGNORECASE | re.MULTILINE)
_MAX_HEADER = 1 << 13


class Framing:
    """Cuts a stream of bytes into message bodies (LSP 3.17, Base Protocol)."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._need: int | None = None

    def feed(self, data: bytes) -> list[bytes]:
        """The bodies that are complete with `data`. Headers without a length are skipped."""
        self._buffer += data
        bodies: list[bytes] = []
        while True:
            if self._need is None:
                end = self._buffer.find(b"\r\n\r\n")
                if end < 0:
                    if len(self._buffer) > _MAX_HEADER:
                        logger.error("no end of a header in %d bytes: dropped", len(self._buffer))
                        self._buffer.clear()
                    return bodies
                match = _LENGTH.search(bytes(self._buffer[:end]).replace(b"\r", b""))
                del self._buffer[: end + 4]
                if match is None:
                    logger.error("a header without Content-Length was skipped")
                    continue
                self._need = int(match.group(1))
            if len(self._buffer) < self._need:
                return bodies
            bodies.append(bytes(self._buffer[: self._need]))
            del self._buffer[: self._need]
            self._need = None


class PipeWriter:
    """Writes to a descriptor without ever waiting for the reader at its other end."""

    # A pipe that polls as writable takes at least PIPE_BUF bytes at once (pipe(7)).
    _STEP = select.PIPE_BUF

    def __init__(self, descriptor: int) -> None:
        self._fd = descriptor
        self._queue: deque[memoryview] = deque()
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)
        self._waiting = False
        self._sent: asyncio.Future[None] | None = None
        self.closed = False

    def write(self, data: bytes) -> None:
        """Send `data`, or keep what the pipe does not take yet. Raises BrokenPipeError."""
        self._queue.append(memoryview(data))
        if not self._waiting:
            self._flush()

    def close(self) -> None:
        """Give up what could not be sent."""
        self._queue.clear()
        self._stop_waiting()
        self.closed = True

    async def drained(self, seconds: float) -> None:
        """Wait until all is sent, for at most `seconds`."""
        if self._queue:
            self._sent = asyncio.get_running_loop().create_future()
            await asyncio.wait([self._sent], timeout=seconds)

    def _flush(self) -> None:
        while self._queue:
            if not self._poll.poll(0):
                self._wait()
                return
            data = self._queue[0]
            written = os.write(self._fd, data[: self._STEP])
            if written == len(data):
                self._queue.popleft()
            else:
                self._queue[0] = data[written:]
        self._stop_waiting()

    def _wait(self) -> None:
        if not self._waiting:
            self._waiting = True
            asyncio.get_running_loop().add_writer(self._fd, self._resume)

    def _resume(self) -> None:
        try:
            self._flush()
        except OSError:
            self.close()

    def _stop_waiting(self) -> None:
        if self._sent is not None and not self._sent.done():
            self._sent.set_result(None)
        if self._waiting:
            self._waiting = False
            asyncio.get_running_loop().remove_writer(self._fd)


async def read_messages(
    descriptor: int, deliver: Callable[[Any], None], broken: Callable[[str], None]
) -> None:
    """Deliver each JSON value that arrives; returns at the end of the stream.

    `broken` hears of bodies that are no JSON. Each message is handled in a turn of the loop of its
    own, so that answers to earlier messages go out between two later ones.
    """
    loop = asyncio.get_running_loop()
    framing = Framing()
    ended: asyncio.Future[None] = loop.create_future()

    def one(body: bytes) -> None:
        try:
            value = json.loads(body)
        except (ValueError, RecursionError) as error:
            broken(str(error))
        else:
            deliver(value)

    def end() -> None:
        if not ended.done():
            ended.set_result(None)

    def readable() -> None:
        try:
            data = os.read(descriptor, _CHUNK)
        except OSError as error:
            logger.error("reading from the client failed: %s", error)
            data = b""
        for body in framing.feed(data):
            loop.call_soon(one, body)
        if not data:
            loop.call_soon(end)

    try:
        loop.add_reader(descriptor, readable)
    except PermissionError:  # a regular file can't be polled; it is always readable
        while not ended.done():
            readable()
            await asyncio.sleep(0)
        return
    try:
        await ended
    finally:
        loop.remove_reader(descriptor)
