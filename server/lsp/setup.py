"""Registers each LSP method once and hands it to the features."""

from __future__ import annotations

import logging
from typing import Any

from lsprotocol import types

from analysis.errors import HastenError
from server.lsp.configuration import SECTION
from server.lsp.documents import Document
from server.lsp.features.auto import Auto
from server.lsp.features.code_action import KIND, Actions
from server.lsp.features.code_lens import Lenses
from server.lsp.features.commands import APPLIED, APPLY, Commands
from server.lsp.features.hints import Hints
from server.lsp.features.hover import Evidence, without_markup
from server.lsp.features.recall import Recalled
from server.lsp.features.recording import Recording
from server.lsp.features.rules import Rules
from server.lsp.server import HastenServer

logger = logging.getLogger(__name__)

FEATURES = (Rules, Hints, Lenses, Evidence, Recalled, Actions, Commands, Auto, Recording)


def build() -> HastenServer:
    """A server with all its features."""
    server = HastenServer()
    for feature in FEATURES:
        server.features.append(feature(server))
    _register_life(server)
    _register_requests(server)
    return server


def _register_life(server: HastenServer) -> None:
    @server.feature(types.INITIALIZE)
    def initialize(params: types.InitializeParams) -> None:
        server.initialize(params)

    @server.feature(types.INITIALIZED)
    def initialized(params: types.InitializedParams) -> None:
        server.begin()
        server.tasks.start(_pull_settings(server), "settings")

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE, types.SaveOptions(include_text=False))
    def did_save(params: types.DidSaveTextDocumentParams) -> None:
        server.did_save(params.text_document.uri)

    @server.feature(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)
    def did_change_folders(params: types.DidChangeWorkspaceFoldersParams) -> None:
        gone = {f.uri for f in params.event.removed}
        kept = [f.as_uri() for f in server.folders if f.as_uri() not in gone]
        server.set_folders([*kept, *(f.uri for f in params.event.added)])
        server.look_now()

    @server.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)
    async def did_change_configuration(params: types.DidChangeConfigurationParams) -> None:
        # Neovim sends the settings; VS Code sends null and wants to be asked.
        if server.configuration.update(params.settings):
            server.settings_changed()
        if not params.settings:
            await _pull_settings(server)


async def _pull_settings(server: HastenServer) -> None:
    """Ask the client for its settings, where it can be asked, and to tell when they change."""
    if server.client.configuration_registration and not server.asked_for_changes:
        server.asked_for_changes = True
        await server.client_register_capability_async(
            types.RegistrationParams(
                [
                    types.Registration(
                        "hasten-settings",
                        types.WORKSPACE_DID_CHANGE_CONFIGURATION,
                        {"section": SECTION},
                    )
                ]
            )
        )
    if not server.client.configuration:
        return
    answer = await server.workspace_configuration_async(
        types.ConfigurationParams([types.ConfigurationItem(section=SECTION)])
    )
    if answer and answer[0] and server.configuration.update(answer[0]):
        server.settings_changed()


def _register_requests(server: HastenServer) -> None:
    @server.feature(types.TEXT_DOCUMENT_HOVER)
    def hover(params: types.HoverParams) -> types.Hover | None:
        document = _document(server, params.text_document.uri)
        if document is None:
            return None
        offset = document.offset(params.position)
        parts = [p for p in server.each("hover", document, offset) if p]
        return _hover(server, "\n\n".join(parts)) if parts else None

    @server.feature(types.TEXT_DOCUMENT_CODE_LENS, types.CodeLensOptions())
    async def code_lens(params: types.CodeLensParams) -> list[types.CodeLens]:
        document = _document(server, params.text_document.uri)
        if document is None:
            return []
        document = await server.ready(document)
        return [lens for found in server.each("code_lenses", document) for lens in found]

    # pygls derives no options of code actions from their handlers.
    @server.feature(
        types.TEXT_DOCUMENT_CODE_ACTION,
        types.CodeActionOptions(code_action_kinds=[KIND], resolve_provider=False),
    )
    async def code_action(params: types.CodeActionParams) -> list[Any]:
        document = _document(server, params.text_document.uri)
        if document is None:
            return []
        document = await server.ready(document)
        start, end = document.offset(params.range.start), document.offset(params.range.end)
        found = server.each("code_actions", document, start, max(start, end), params.context)
        actions = [action for some in found for action in some]
        if server.client.action_literals:
            return actions
        return [_as_command(action) for action in actions]


def _document(server: HastenServer, uri: str) -> Document | None:
    """The open document, or the file on disk where it can be read."""
    try:
        return server.documents.load(uri)
    except HastenError as error:
        logger.info("%s", error.message)
        return None


def _hover(server: HastenServer, text: str) -> types.Hover:
    if server.client.markdown:
        return types.Hover(types.MarkupContent(types.MarkupKind.Markdown, text))
    return types.Hover(types.MarkupContent(types.MarkupKind.PlainText, without_markup(text)))


def _as_command(action: types.CodeAction) -> types.Command:
    """The action for a client that knows only commands: the server makes the edit itself."""
    command = action.command
    assert command is not None  # every action of ours has one
    name = APPLY if command.command == APPLIED else command.command
    return types.Command(action.title, name, arguments=command.arguments)
