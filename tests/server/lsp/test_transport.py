"""Framing, and writing to a client that does not read."""

from __future__ import annotations

import asyncio
import os

import pytest

from server.lsp.transport import Framing, PipeWriter, read_messages


def framed(body: bytes, header: bytes = b"Content-Length: %d\r\n\r\n") -> bytes:
    return header % len(body) + body


@pytest.mark.parametrize("step", [1, 2, 7, 1000])
def test_bodies_come_whole_however_the_bytes_come(step: int):
    stream = framed(b"{}") + framed("é".encode()) + framed(b"") + framed(b"x" * 100)
    framing, found = Framing(), []
    for at in range(0, len(stream), step):
        found += framing.feed(stream[at : at + step])
    assert found == [b"{}", "é".encode(), b"", b"x" * 100]


@pytest.mark.parametrize(
    "header",
    [
        b"content-length: %d\r\n\r\n",
        b"Content-Type: application/vscode-jsonrpc; charset=utf-8\r\nContent-Length: %d\r\n\r\n",
        b"Content-Length: %d\r\nX-Other: 1\r\n\r\n",
    ],
)
def test_headers_in_any_form(header: bytes):
    assert Framing().feed(framed(b"body", header)) == [b"body"]


def test_a_header_without_a_length_is_skipped():
    assert Framing().feed(b"X: 1\r\n\r\n" + framed(b"body")) == [b"body"]


async def test_a_full_pipe_blocks_nothing_and_loses_nothing():
    out, into = os.pipe()
    writer = PipeWriter(into)
    data = os.urandom(1 << 20)
    writer.write(data)
    writer.write(b"end")

    def read() -> bytes:
        found = b""
        while not found.endswith(b"end"):
            found += os.read(out, 1 << 16)
        return found

    assert await asyncio.get_running_loop().run_in_executor(None, read) == data + b"end"
    await writer.drained(10)
    writer.close()
    os.close(out)
    os.close(into)


async def test_a_client_that_is_gone_is_a_broken_pipe():
    out, into = os.pipe()
    os.close(out)
    with pytest.raises(BrokenPipeError):
        PipeWriter(into).write(b"data")
    os.close(into)


async def test_a_regular_file_can_be_the_input(tmp_path):
    file = tmp_path / "input"
    file.write_bytes(framed(b"1") + framed(b"nonsense") + framed(b"[2]"))
    found, broken = [], []
    descriptor = os.open(file, os.O_RDONLY)
    await read_messages(descriptor, found.append, broken.append)
    await asyncio.sleep(0)
    assert found == [1, [2]]
    assert len(broken) == 1
    os.close(descriptor)
