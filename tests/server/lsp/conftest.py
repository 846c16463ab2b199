"""Fixtures over a real `hasten lsp` process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.server.lsp.made import SLOW
from tests.server.lsp.wire import Wire, environment

Start = Callable[..., Awaitable[Wire]]


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a project in it; this process writes state where the server reads it."""
    for name, value in environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "pyproject.toml").write_text("[project]\nname = 'project'\n")
    (folder / "main.py").write_text(SLOW)
    return folder


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """Starts servers that are gone after the test."""
    started: list[Wire] = []

    async def begin(*arguments: str, **more: Any) -> Wire:
        wire = await Wire.start(tmp_path, *arguments, **more)
        started.append(wire)
        return wire

    yield begin
    for wire in started:
        await wire.close()
