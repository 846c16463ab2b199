"""The hover of a hot function tells what worked on code like it, and what notes say."""

from __future__ import annotations

import asyncio
from pathlib import Path

from lsprotocol import types

from index.store import Memory
from tests.e2e.cli import Cli
from tests.e2e.editor import LIMIT_S, Editor, editing
from tests.e2e.project import HEAD, SETTINGS, make

NOTE = "A membership test in a list inside a loop reads the list each time: build a set first."


async def hover_with(editor: Editor, words: str) -> str:
    """The hover as soon as the words are in it."""

    async def look() -> str:
        while words not in (shown := await editor.hover()):
            await asyncio.sleep(0.05)  # the processes that answer have a lower priority
        return shown

    return await asyncio.wait_for(look(), LIMIT_S)


async def test_a_hot_functions_hover_has_past_optimizations_and_notes(tmp_path: Path):
    cli = Cli(tmp_path)
    file = make(cli) / "slow.py"
    with Memory(tmp_path / "data" / "hasten" / "memory.db") as memory:
        memory.add_note("notes/speed.md", "0" * 64, [("Sets", NOTE, 1)])
    at = types.Position(HEAD, 5)
    async with editing(cli, file, at, client="code-server", settings=SETTINGS) as editor:
        editor.open()
        shown = await hover_with(editor, "Worked on code like this")
        heat, similar, notes = shown.split("\n\n")
        assert "of the run" in heat
        head, *lines = similar.split("\n")
        assert "nothing was tried here" in head
        assert 1 <= len(lines) <= 3
        assert all("(proved, shipped corpus)" in line for line in lines)
        assert notes == f"From research notes:\n- “{NOTE}” from notes/speed.md, Sets"
