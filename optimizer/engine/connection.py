"""A client's end of the engine's socket: requests with answers, and notifications by job."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from pathlib import Path
from typing import Any

from optimizer.engine import wire
from optimizer.errors import EngineError

logger = logging.getLogger(__name__)


class Connection:
    """One connection; `log` is the engine's log, named in errors."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, log: Path
    ) -> None:
        self._writer, self._log = writer, log
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._jobs: dict[str, asyncio.Queue[dict[str, Any]]] = {}
        self.lost = False
        self._listening = asyncio.create_task(self._listen(reader))

    async def request(self, method: str, params: dict[str, Any]) -> Any:
        """The result. Raises EngineError (code "engine-died") or the error that was answered."""
        if self.lost:
            raise self._died()
        id = next(self._ids)
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[id] = future
        try:
            self._writer.write(wire.line({"id": id, "method": method, "params": params}))
            with contextlib.suppress(ConnectionError):  # _listen hears of it and tells `future`
                await self._writer.drain()
            return await future
        finally:
            self._waiting.pop(id, None)

    async def next_of(self, job: str) -> dict[str, Any]:
        """The next notification of a job; an error once the engine is lost."""
        queue = self._queue(job)
        if self.lost and queue.empty():
            raise self._died()
        return await queue.get()

    def forget(self, job: str) -> None:
        """No more notifications of this job are waited for."""
        self._jobs.pop(job, None)

    async def close(self) -> None:
        """Close this end."""
        self._listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._listening
        with contextlib.suppress(Exception):
            await self._writer.wait_closed()

    def _queue(self, job: str) -> asyncio.Queue[dict[str, Any]]:
        # Also made for a job not known yet: its first word may come with the answer of job/start.
        return self._jobs.setdefault(job, asyncio.Queue())

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        try:
            while (message := await wire.read_message(reader)) is not None:
                self._dispatch(message)
        except (ValueError, OSError) as error:
            logger.warning("the engine's answer could not be read: %s", error)
        finally:
            self.lost = True
            self._writer.close()
            for future in self._waiting.values():
                if not future.done():
                    future.set_exception(self._died())
            for queue in self._jobs.values():
                queue.put_nowait({"error": wire.error_to_json(self._died())})

    def _dispatch(self, message: dict[str, Any]) -> None:
        if "method" in message:
            params = message.get("params") or {}
            self._queue(str(params.get("job"))).put_nowait(params)
            return
        future = self._waiting.get(message.get("id", -1))
        if future is None or future.done():
            return
        if "error" not in message:
            future.set_result(message.get("result"))
            return
        error = message["error"]
        future.set_exception(
            wire.error_from_json(error["data"])
            if "data" in error
            else self.broken(str(error.get("message")))
        )

    def _died(self) -> EngineError:
        return EngineError(
            "the engine ended before it was done",
            code="engine-died",
            mend=f"try again, a new one is started; its log is {self._log}",
        )

    def broken(self, what: str) -> EngineError:
        """An answer that makes no sense."""
        return EngineError(
            f"the engine could not do that: {what}", code="engine-protocol", mend=f"see {self._log}"
        )
