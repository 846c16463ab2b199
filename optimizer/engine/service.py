"""The engine's socket: requests in, answers and notifications out, and when it is time to end."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import hasten
from analysis.errors import HastenError
from optimizer.engine import wire
from optimizer.engine.address import peer_is_me
from optimizer.engine.jobs import Jobs, Work
from optimizer.engine.protocol import PROTOCOL, Status
from optimizer.results import Results

logger = logging.getLogger(__name__)

Search = Callable[[str, int], list[dict[str, Any]]]
_STOP_WAIT_S = 2.0
_WRITE_BUFFER = 32_000_000  # a client that reads nothing for so long is as good as gone


class Client:
    """One connection."""

    def __init__(self, writer: asyncio.StreamWriter, loop: asyncio.AbstractEventLoop) -> None:
        self._writer, self._loop = writer, loop
        self.send = self._send  # one object, so that jobs can be told apart by their client

    def _send(self, method: str, params: dict[str, Any]) -> None:
        """A notification, from any thread."""
        with suppress(RuntimeError):  # the loop is closed: nobody is left to be told
            self._loop.call_soon_threadsafe(self.write, {"method": method, "params": params})

    def write(self, message: dict[str, Any]) -> None:
        """One message, from the loop's thread."""
        if self._writer.is_closing():
            return
        self._writer.write(wire.line(message))
        if self._writer.transport.get_write_buffer_size() > _WRITE_BUFFER:
            self._writer.transport.abort()


class Service:
    """Serves clients until `idle_s` seconds after the last one left, or until it is stopped."""

    def __init__(self, work: Work, search: Search, results: Results | None, idle_s: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._jobs = Jobs(work, results, lambda: self._call(self._settle))
        self._search, self._idle_s = search, idle_s
        self._clients: set[Client] = set()
        self._stopping = False
        self._over = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None

    async def run(self, path: Path) -> None:
        """Listen at `path`; the caller holds the lock, so what lies there is a dead one's."""
        path.unlink(missing_ok=True)
        old = os.umask(0o177)
        try:
            server = await asyncio.start_unix_server(self._serve, str(path), limit=wire.MAX_LINE)
        finally:
            os.umask(old)
        self._settle()
        try:
            await self._over.wait()
        finally:
            path.unlink(missing_ok=True)  # before the jobs are waited for: no one new may join
            server.close()
            self._jobs.cancel_all()
            await self._loop.run_in_executor(None, self._jobs.wait, _STOP_WAIT_S)
            await asyncio.sleep(0)  # the last notifications go out

    def stop(self) -> None:
        """End now: running jobs are cancelled and told so."""
        self._over.set()

    def _call(self, function: Callable[[], None]) -> None:
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(function)

    def _settle(self) -> None:
        """Start or stop the clock of idleness; end when asked to and nothing runs."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._jobs.running:
            return
        if self._stopping:
            self._over.set()
        elif not self._clients:
            self._timer = self._loop.call_later(self._idle_s, self._over.set)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection: socket.socket = writer.get_extra_info("socket")
        if not peer_is_me(connection):
            writer.close()
            return
        client = Client(writer, self._loop)
        self._clients.add(client)
        self._settle()
        try:
            while (message := await wire.read_message(reader)) is not None:
                await self._handle(message, client)
                with suppress(ConnectionError):
                    await writer.drain()
        except ValueError:
            logger.warning("a client sent no JSON-RPC; its connection is closed")
        except Exception:
            logger.exception("a connection failed")
        finally:
            self._clients.discard(client)
            self._jobs.cancel_all(client.send)
            writer.close()
            self._settle()

    async def _handle(self, message: dict[str, Any], client: Client) -> None:
        id, params = message.get("id"), message.get("params") or {}
        try:
            result = await self._answer(str(message.get("method")), params, client)
            answer: dict[str, Any] = {"id": id, "result": result}
        except HastenError as error:
            answer = {"id": id, "error": {"code": -32000, "message": error.message,
                                          "data": wire.error_to_json(error)}}  # fmt: skip
        except (KeyError, ValueError, TypeError) as error:
            answer = {"id": id, "error": {"code": -32602, "message": f"bad params: {error}"}}
        except Exception as error:
            logger.exception("a request failed")
            answer = {"id": id, "error": {"code": -32603, "message": str(error)}}
        if id is not None:
            client.write(answer)

    async def _answer(self, method: str, params: dict[str, Any], client: Client) -> Any:
        if method == "engine/status":
            return wire.status_to_json(
                Status(os.getpid(), hasten.__version__, PROTOCOL, self._jobs.running,
                       len(self._clients))
            )  # fmt: skip
        if method == "job/start":
            if self._stopping:
                raise ValueError("the engine is about to end")
            return {"job": self._jobs.start(wire.spec_from_json(params["spec"]), client.send)}
        if method == "job/cancel":
            self._jobs.cancel(str(params["job"]))
            return None
        if method == "engine/stop":
            self._stopping = True
            self._loop.call_soon(self._settle)
            return None
        if method == "index/search":
            return await self._loop.run_in_executor(
                None, self._search, str(params["text"]), int(params["k"])
            )
        raise ValueError(f"unknown method {method}")
