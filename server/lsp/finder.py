"""The process that looks with the rules, as the front sees it: one request at a time, no waiting.

Started at the first request and again after it ended; killed when an answer takes too long, and
with the front. See server.lsp.rules_reader.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import logging
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hasten.launcher import child_command, child_environment

logger = logging.getLogger(__name__)

LIMIT_S = 30.0
_PIPE = 1 << 20
_LONGEST = 1 << 26
"""Bytes of an answer's line."""


@dataclass(frozen=True)
class Question:
    """A text, and the functions (None: all) that are looked at; `hot` are those that are hot."""

    path: Path
    text: str
    names: Collection[str] | None
    hot: Collection[str]
    target: str | None
    measured: Path


@dataclass(frozen=True)
class RuleHint:
    """What a rule says of a place, by string offsets; `first` to `last` is the function around."""

    rule: str
    title: str
    function: str
    start: int
    end: int
    first: int
    last: int


class Finder:
    """Asks the process; callers wait for their turn."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()
        self._last = 0

    async def look(self, question: Question) -> tuple[RuleHint, ...] | None:
        """What the rules find; None where there is no answer."""
        async with self._turn:
            again = self._process is not None
            try:
                try:
                    return await asyncio.wait_for(self._ask(question), LIMIT_S)
                except OSError:
                    if not again:
                        raise
                # It ended since the last question; whether this one ends it is seen now.
                self.stop()
                return await asyncio.wait_for(self._ask(question), LIMIT_S)
            except (asyncio.TimeoutError, OSError, ValueError, TypeError, KeyError) as error:
                # What is half said would be taken for the next answer.
                logger.warning("%s: the rules gave no answer: %r", question.path, error)
                self.stop()
                return None

    async def forget(self, path: Path) -> None:
        """Nothing more is asked of a file."""
        async with self._turn:
            if self._process is not None and self._process.returncode is None:
                self._send(self._process, {"forget": str(path)})

    def stop(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            process.kill()

    async def _ask(self, question: Question) -> tuple[RuleHint, ...]:
        process = await self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        self._last += 1
        self._send(
            process,
            {
                "id": self._last,
                "path": str(question.path),
                "text": question.text,
                "names": None if question.names is None else [*question.names],
                "hot": [*question.hot],
                "target": question.target,
                "measured": str(question.measured),
            },
        )
        await process.stdin.drain()
        line = await process.stdout.readline()
        if not line:
            raise OSError("the process ended")
        answer = json.loads(line)
        if answer["id"] != self._last or "error" in answer:
            raise ValueError(answer.get("error", "an answer to another question"))
        return tuple(RuleHint(*row) for row in answer["hints"])

    def _send(self, process: asyncio.subprocess.Process, request: dict[str, Any]) -> None:
        assert process.stdin is not None
        process.stdin.write(json.dumps(request).encode() + b"\n")

    async def _started(self) -> asyncio.subprocess.Process:
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                *child_command("lsp", "--find-rules"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                env=child_environment(),
                cwd="/",
                limit=_LONGEST,
            )
            _widen(self._process)
        return self._process


def _widen(process: asyncio.subprocess.Process) -> None:
    """Let a whole text go into the pipe at once, where the system can (Linux)."""
    if process.stdin is None or not hasattr(fcntl, "F_SETPIPE_SZ"):
        return
    pipe = process.stdin.transport.get_extra_info("pipe")
    with contextlib.suppress(OSError):
        fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, _PIPE)
