"""The whole way over pytest-lsp, which checks each message against the client's capabilities."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from lsprotocol import types
from pytest_lsp import LspSpecificationWarning

from tests.e2e.cli import Cli
from tests.e2e.editor import Editor, editing
from tests.e2e.project import HEAD, SETTINGS, SLOW, make

pytestmark = pytest.mark.filterwarnings(
    f"error::{LspSpecificationWarning.__module__}.LspSpecificationWarning"
)


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    return Cli(tmp_path)


@pytest.fixture(params=["code-server", "Neovim"])
async def editor(request: pytest.FixtureRequest, cli: Cli) -> AsyncIterator[Editor]:
    file = make(cli) / "slow.py"
    at = types.Position(HEAD, 5)
    async with editing(cli, file, at, client=request.param, settings=SETTINGS) as editor:
        yield editor


async def test_from_the_hint_to_the_edit(editor: Editor):
    client = editor.client
    editor.open()
    while not client.diagnostics.get(editor.uri):
        await asyncio.wait_for(
            client.wait_for_notification(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS), 60
        )
    hint = next(d for d in client.diagnostics[editor.uri] if d.range.start.line == HEAD)
    assert hint.severity == types.DiagnosticSeverity.Hint
    assert "of the run is spent in common" in hint.message
    [lens] = await editor.lenses()
    [action] = await editor.actions()
    assert lens.command is not None
    assert action.command is not None
    assert lens.command.arguments == action.command.arguments
    assert await editor.run(action.command) == {"state": "started"}
    assert "faster: " in await editor.progress_ended()
    proved = await editor.actions()
    assert proved[0].title.endswith("(proved)")
    assert proved[0].kind == "refactor.rewrite.hasten"
    assert proved[0].edit is not None
    [lens] = await editor.lenses()
    assert lens.command is not None
    assert lens.command.title == proved[0].title
    editor.apply(proved[0].edit)
    assert "set(right)" in editor.text
    assert await editor.run(proved[0].command) is True
    # undone, as an editor does it: the original is there again, and so is the offer
    editor.becomes(SLOW)
    assert (await editor.actions())[0].title == proved[0].title
    [lens] = await editor.lenses()
    assert await editor.run(lens.command) is True
    assert "set(right)" in editor.text


async def test_a_rule_is_hinted_where_the_run_spent_its_time(editor: Editor):
    client = editor.client
    editor.open()
    while not (found := [d for d in client.diagnostics.get(editor.uri, ()) if d.code != "hot"]):
        await asyncio.wait_for(
            client.wait_for_notification(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS), 60
        )
    hint = next(d for d in found if d.code == "membership-set")
    assert hint.severity == types.DiagnosticSeverity.Hint
    assert "not proved" in hint.message
    assert hint.range.start.line > HEAD
