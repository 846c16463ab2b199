"""The whole way over pytest-lsp, which checks each message against the client's capabilities."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import converters, types
from pytest_lsp import LanguageClient, LspSpecificationWarning
from pytest_lsp.client import make_test_lsp_client

from analysis.text import Position, Range, Replacement, apply_replacements
from tests.e2e.cli import HASTEN, Cli
from tests.e2e.project import HEAD, SETTINGS, SLOW, make

CLIENTS = Path(__file__).resolve().parents[1] / "data" / "clients"
LIMIT_S = 240.0

pytestmark = pytest.mark.filterwarnings(
    f"error::{LspSpecificationWarning.__module__}.LspSpecificationWarning"
)


class Editor:
    """A client with one open file; it applies edits and says so, as editors do."""

    def __init__(self, client: LanguageClient, file: Path) -> None:
        self.client = client
        self.uri = file.as_uri()
        self.text = file.read_text()
        self.version = 1

    def listen(self) -> None:
        client = self.client

        @client.feature(types.WORKSPACE_CODE_LENS_REFRESH)
        def refresh(params: None) -> None: ...

        @client.feature(types.CLIENT_REGISTER_CAPABILITY)
        def register(params: types.RegistrationParams) -> None: ...

        @client.feature(types.WORKSPACE_APPLY_EDIT)
        def apply(params: types.ApplyWorkspaceEditParams) -> types.ApplyWorkspaceEditResult:
            self.apply(params.edit)
            return types.ApplyWorkspaceEditResult(applied=True)

    def open(self) -> None:
        item = types.TextDocumentItem(self.uri, "python", self.version, self.text)
        self.client.text_document_did_open(types.DidOpenTextDocumentParams(item))

    def apply(self, edit: types.WorkspaceEdit) -> None:
        edits: list[Any] = list((edit.changes or {}).get(self.uri, ()))
        for change in edit.document_changes or ():
            assert isinstance(change, types.TextDocumentEdit)
            assert change.text_document.version == self.version
            edits += change.edits
        self.text = apply_replacements(
            self.text,
            [
                Replacement(
                    Range(
                        Position(e.range.start.line, e.range.start.character),
                        Position(e.range.end.line, e.range.end.character),
                    ),
                    e.new_text,
                )
                for e in edits
            ],
        )
        self.version += 1
        self.client.text_document_did_change(
            types.DidChangeTextDocumentParams(
                types.VersionedTextDocumentIdentifier(version=self.version, uri=self.uri),
                [types.TextDocumentContentChangeWholeDocument(self.text)],
            )
        )

    async def actions(self) -> list[types.CodeAction]:
        at = types.Position(HEAD, 5)
        found = await self.client.text_document_code_action_async(
            types.CodeActionParams(
                types.TextDocumentIdentifier(self.uri),
                types.Range(at, at),
                types.CodeActionContext([]),
            )
        )
        return [a for a in found or () if isinstance(a, types.CodeAction)]

    async def lenses(self) -> list[types.CodeLens]:
        """Lenses of the slow function."""
        identifier = types.TextDocumentIdentifier(self.uri)
        found = await self.client.text_document_code_lens_async(types.CodeLensParams(identifier))
        return [lens for lens in found or () if lens.range.start.line == HEAD]

    async def run(self, command: types.Command | None) -> Any:
        assert command is not None
        return await self.client.workspace_execute_command_async(
            types.ExecuteCommandParams(command.command, arguments=command.arguments)
        )

    async def progress_ended(self) -> str:
        """The last message of the progress under way."""

        async def look() -> str:
            while True:
                for reports in self.client.progress_reports.values():
                    for report in reports:
                        if isinstance(report, types.WorkDoneProgressEnd):
                            return report.message or ""
                await self.client.wait_for_notification(types.PROGRESS)

        return await asyncio.wait_for(look(), LIMIT_S)


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    return Cli(tmp_path)


@pytest.fixture(params=["code-server", "Neovim"])
async def editor(request: pytest.FixtureRequest, cli: Cli) -> AsyncIterator[Editor]:
    folder = make(cli)
    client = make_test_lsp_client()
    # lsprotocol takes a code action that has a command and no edit for a bare command.
    converter = client.protocol._converter
    converter.register_structure_hook(
        types.Command | types.CodeAction,
        lambda value, _: converter.structure(
            value, types.CodeAction if isinstance(value.get("command"), dict) else types.Command
        ),
    )
    client.set_configuration(SETTINGS, section="hasten")
    editor = Editor(client, folder / "slow.py")
    editor.listen()
    await client.start_io(HASTEN, "lsp", env=cli.environment, cwd=folder)
    recorded = json.loads((CLIENTS / f"{request.param}.json").read_text())
    capabilities = converters.get_converter().structure(recorded, types.ClientCapabilities)
    await client.initialize_session(
        types.InitializeParams(
            capabilities=capabilities,
            process_id=os.getpid(),
            workspace_folders=[types.WorkspaceFolder(folder.as_uri(), "project")],
            initialization_options={"trusted": True},
        )
    )
    yield editor
    await client.shutdown_session()
    await client.stop()


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
    editor.text = SLOW
    editor.version += 1
    client.text_document_did_change(
        types.DidChangeTextDocumentParams(
            types.VersionedTextDocumentIdentifier(version=editor.version, uri=editor.uri),
            [types.TextDocumentContentChangeWholeDocument(SLOW)],
        )
    )
    assert (await editor.actions())[0].title == proved[0].title
    [lens] = await editor.lenses()
    assert await editor.run(lens.command) is True
    assert "set(right)" in editor.text
