"""Editors beside each other, unsaved text and a lost engine, over real processes."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.engine_client import connect_or_start
from tests.e2e.cli import Cli
from tests.e2e.project import HEAD, SETTINGS, SLOW, make
from tests.server.lsp.wire import Wire

UNSAVED = SLOW.replace("def common", "# not saved yet\ndef common")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    cli = Cli(tmp_path)
    for name, value in cli.environment.items():
        monkeypatch.setenv(name, value)
    return make(cli)


@pytest.fixture
async def editors(tmp_path: Path, folder: Path) -> AsyncIterator[tuple[Wire, Wire]]:
    started = []
    for client in ("code-server", "Neovim"):
        wire = await Wire.start(tmp_path)
        wire.settings = SETTINGS
        await wire.initialize(
            client, folder=folder, initializationOptions={"trusted": True, "settings": SETTINGS}
        )
        started.append(wire)
    yield started[0], started[1]
    for wire in started:
        await wire.close()


def is_end(message: object) -> bool:
    return "'kind': 'end'" in str(message)


async def search(wire: Wire, uri: str, line: int) -> None:
    [action] = await wire.actions(uri, line)
    command = action["command"]
    await wire.request(
        "workspace/executeCommand",
        {"command": command["command"], "arguments": command["arguments"]},
    )


@pytest.mark.slow
async def test_text_that_is_not_saved_is_what_is_proved(editors: tuple[Wire, Wire], folder: Path):
    wire, _ = editors
    uri = wire.open(folder / "slow.py", UNSAVED)
    await wire.message("textDocument/publishDiagnostics")
    await search(wire, uri, HEAD + 1)
    await wire.until(is_end)
    [action, *_] = await wire.actions(uri, HEAD + 1)
    wire.apply(action["edit"])
    assert wire.texts[uri].startswith("# not saved yet\ndef common")
    assert "set(right)" in wire.texts[uri]
    assert (folder / "slow.py").read_text() == SLOW


@pytest.mark.slow
async def test_another_editor_sees_what_one_found(editors: tuple[Wire, Wire], folder: Path):
    first, second = editors
    uri = first.open(folder / "slow.py")
    second.open(folder / "slow.py")
    await first.message("textDocument/publishDiagnostics")
    await search(first, uri, HEAD)
    await second.until(lambda m: "(proved)" in str(m))
    assert (await second.actions(uri, HEAD))[0]["title"].endswith("(proved)")


async def test_a_killed_engine_is_told_and_replaced(editors: tuple[Wire, Wire], folder: Path):
    wire, other = editors
    uri = wire.open(folder / "slow.py")
    await wire.message("textDocument/publishDiagnostics")
    await search(wire, uri, HEAD)
    client = await connect_or_start(folder)
    pid = (await client.status()).pid
    os.kill(pid, signal.SIGKILL)
    await client.close()
    await wire.until(is_end)
    shown = await wire.message("window/showMessage")
    assert shown["type"] == 1
    assert "engine" in shown["message"]
    assert "Traceback" not in shown["message"]
    other.open(folder / "slow.py")
    await other.message("textDocument/publishDiagnostics")
    await search(other, uri, HEAD)
    await other.until(is_end)
    assert (await other.actions(uri, HEAD))[0]["title"].endswith("(proved)")
