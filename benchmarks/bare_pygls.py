"""The least that a pygls server can be: the floor that `benchmarks/lsp.py` compares with."""

from __future__ import annotations

from lsprotocol import types
from pygls.lsp.server import LanguageServer

server = LanguageServer("bare", "1")


@server.feature(types.TEXT_DOCUMENT_HOVER)
def hover(params: types.HoverParams) -> types.Hover:
    document = server.workspace.get_text_document(params.text_document.uri)
    word = document.word_at_position(params.position)
    return types.Hover(types.MarkupContent(types.MarkupKind.Markdown, f"**{word}**"))


@server.feature(types.TEXT_DOCUMENT_CODE_ACTION)
def code_action(params: types.CodeActionParams) -> list[types.CodeAction]:
    command = types.Command("Do nothing", "bare.nothing", [params.text_document.uri])
    return [types.CodeAction("Do nothing", kind="refactor.rewrite", command=command)]


server.start_io()
