"""Runs the server on two descriptors until the client ends it or goes away."""

from __future__ import annotations

import asyncio
import gc
import logging
from typing import Any

from server.lsp.protocol import HastenProtocol
from server.lsp.server import HastenServer
from server.lsp.setup import build
from server.lsp.transport import PipeWriter, read_messages

logger = logging.getLogger(__name__)

LAST_WORDS_S = 1.0
"""How long the last answers may take to be read by the client."""


def serve(stdin: int, stdout: int) -> int:
    """Serve one client; returns the exit code."""
    server = build()
    gc.enable()
    loop = asyncio.new_event_loop()
    # Not `asyncio.run`: it waits for every cancelled task, and `exit` must not.
    loop.set_exception_handler(_last_errors)
    try:
        return loop.run_until_complete(_run(server, stdin, stdout))
    except KeyboardInterrupt:
        return 130


def _last_errors(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Errors of the loop's own callbacks; a task that is left behind at the end is none."""
    if "exception" in context:
        logger.error("%s", context.get("message"), exc_info=context["exception"])


async def _run(server: HastenServer, stdin: int, stdout: int) -> int:
    protocol: HastenProtocol = server.protocol
    writer = PipeWriter(stdout)
    protocol.set_writer(writer)
    reading = asyncio.ensure_future(read_messages(stdin, protocol.receive, protocol.unreadable))
    ended = asyncio.ensure_future(server.stopped.wait())
    await asyncio.wait([reading, ended], return_when=asyncio.FIRST_COMPLETED)
    server.stop_work()
    await writer.drained(LAST_WORDS_S)
    writer.close()
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
    await asyncio.sleep(0)  # each of them hears it once
    # The client is gone without a word where nothing was said about the end.
    return protocol.exit_code if protocol.exit_code is not None else 1
