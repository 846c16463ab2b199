"""A client of the real server over pytest-lsp, as editors are: it applies edits and says so."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from lsprotocol import converters, types
from pytest_lsp import LanguageClient
from pytest_lsp.client import make_test_lsp_client

from analysis.text import Position, Range, Replacement, apply_replacements
from tests.e2e.cli import HASTEN, Cli

CLIENTS = Path(__file__).resolve().parents[1] / "data" / "clients"
LIMIT_S = 480.0


class Editor:
    """A client with one open file; it applies edits and says so, as editors do."""

    def __init__(
        self, client: LanguageClient, file: Path, at: types.Position, language: str = "python"
    ) -> None:
        self.client = client
        self.uri = file.as_uri()
        self.text = file.read_text()
        self.at, self.language = at, language
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
        item = types.TextDocumentItem(self.uri, self.language, self.version, self.text)
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
        self.becomes(self.text)

    def becomes(self, text: str) -> None:
        """The user's own change, an undo for example."""
        self.text = text
        self.version += 1
        self.client.text_document_did_change(
            types.DidChangeTextDocumentParams(
                types.VersionedTextDocumentIdentifier(version=self.version, uri=self.uri),
                [types.TextDocumentContentChangeWholeDocument(text)],
            )
        )

    async def hover(self) -> str:
        found = await self.client.text_document_hover_async(
            types.HoverParams(types.TextDocumentIdentifier(self.uri), self.at)
        )
        assert found is None or isinstance(found.contents, types.MarkupContent)
        return "" if found is None else found.contents.value

    async def actions(self) -> list[types.CodeAction]:
        at = self.at
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
        return [lens for lens in found or () if lens.range.start.line == self.at.line]

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


@asynccontextmanager
async def editing(
    cli: Cli,
    file: Path,
    at: types.Position,
    *,
    client: str,
    settings: Mapping[str, Any],
    language: str = "python",
) -> AsyncIterator[Editor]:
    """An editor with the recorded capabilities of `client`, in a folder that the user trusts."""
    folder = file.parent
    lsp = make_test_lsp_client()
    # lsprotocol takes a code action that has a command and no edit for a bare command.
    converter = lsp.protocol._converter
    converter.register_structure_hook(
        types.Command | types.CodeAction,
        lambda value, _: converter.structure(
            value, types.CodeAction if isinstance(value.get("command"), dict) else types.Command
        ),
    )
    lsp.set_configuration(dict(settings), section="hasten")
    editor = Editor(lsp, file, at, language)
    editor.listen()
    await lsp.start_io(HASTEN, "lsp", env=cli.environment, cwd=folder)
    recorded = json.loads((CLIENTS / f"{client}.json").read_text())
    capabilities = converters.get_converter().structure(recorded, types.ClientCapabilities)
    await lsp.initialize_session(
        types.InitializeParams(
            capabilities=capabilities,
            process_id=os.getpid(),
            workspace_folders=[types.WorkspaceFolder(folder.as_uri(), "project")],
            initialization_options={"trusted": True},
        )
    )
    try:
        yield editor
    finally:
        await lsp.shutdown_session()
        await lsp.stop()
