"""A process that answers JSON lines, as the front sees it: one request at a time, no waiting.

Started at the first request and again after it ended; killed when an answer takes too long or
makes no sense. It must end by itself when its stdin ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from hasten.launcher import child_environment

T = TypeVar("T")
logger = logging.getLogger(__name__)

_LONGEST = 1 << 26
"""Bytes of an answer's line."""
_PIPE = 1 << 20


class Child:
    """Asks the process; callers wait for their turn. `limit_s` is how long an answer may take."""

    def __init__(self, command: Sequence[str], limit_s: float) -> None:
        self._command, self.limit_s = tuple(command), limit_s
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()
        self._last = 0

    async def ask(
        self, request: Mapping[str, Any], read: Callable[[dict[str, Any]], T], about: object
    ) -> T | None:
        """What `read` makes of the answer's object; None where there is no answer.

        `read` raises ValueError, TypeError or KeyError for an answer that makes no sense. `about`
        is named in the log.
        """
        async with self._turn:
            try:
                return read(await self._answer(request))
            except (
                asyncio.TimeoutError, OSError, ValueError, TypeError, KeyError, RecursionError,
            ) as error:  # fmt: skip
                # What is half said would be taken for the next answer.
                logger.warning("%s: no answer from %s: %r", about, self._command[-1], error)
                self.stop()
                return None

    async def tell(self, request: Mapping[str, Any]) -> None:
        """Say something that has no answer, if the process runs."""
        async with self._turn:
            process = self._process
            if process is not None and process.returncode is None and process.stdin is not None:
                process.stdin.write(_line(request))

    def stop(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            process.kill()

    async def _answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        if self._process is not None and self._process.returncode is None:
            try:
                return await asyncio.wait_for(self._exchange(request), self.limit_s)
            except asyncio.TimeoutError:  # an OSError, too, from Python 3.11 on
                raise
            except OSError:
                # It ended since the last request; whether this one ends it is seen now.
                self.stop()
        return await asyncio.wait_for(self._exchange(request), self.limit_s)

    async def _exchange(self, request: Mapping[str, Any]) -> dict[str, Any]:
        process = await self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        self._last += 1
        process.stdin.write(_line({**request, "id": self._last}))
        await process.stdin.drain()
        line = await process.stdout.readline()
        if not line.endswith(b"\n"):
            raise OSError("the process ended")
        answer = json.loads(line)
        if not isinstance(answer, dict) or answer.get("id") != self._last or "error" in answer:
            raise ValueError(f"no answer to this request: {str(answer)[:200]}")
        return answer

    async def _started(self) -> asyncio.subprocess.Process:
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                env=child_environment(),
                cwd="/",
                limit=_LONGEST,
            )
            _widen(self._process)
        return self._process


def _line(request: Mapping[str, Any]) -> bytes:
    return json.dumps(request).encode() + b"\n"


def _widen(process: asyncio.subprocess.Process) -> None:
    """Let a whole text go into the pipe at once, where the system can (Linux)."""
    if process.stdin is None or not hasattr(fcntl, "F_SETPIPE_SZ"):
        return
    pipe = process.stdin.transport.get_extra_info("pipe")
    with contextlib.suppress(OSError):
        fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, _PIPE)
