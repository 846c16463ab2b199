"""Runs the server on two descriptors until the client ends it or goes away."""

from __future__ import annotations

import asyncio
import gc
import logging

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
    # What is loaded now lives as long as the process: collections need not look at it again.
    gc.collect()
    gc.freeze()
    try:
        return asyncio.run(_run(server, stdin, stdout))
    except KeyboardInterrupt:
        return 130


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
    reading.cancel()
    ended.cancel()
    # The client is gone without a word where nothing was said about the end.
    return protocol.exit_code if protocol.exit_code is not None else 1
