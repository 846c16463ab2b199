"""What the connected client can do, read once from its capabilities."""

from __future__ import annotations

from dataclasses import dataclass

from lsprotocol import types


@dataclass(frozen=True)
class Client:
    """Facts about the client; everything is off until it says otherwise."""

    progress: bool = False
    lens_refresh: bool = False
    document_changes: bool = False
    configuration: bool = False
    configuration_registration: bool = False
    markdown: bool = False
    action_literals: bool = False

    @classmethod
    def of(cls, capabilities: types.ClientCapabilities) -> Client:
        """The facts that matter here. A missing part means no."""
        workspace = capabilities.workspace or types.WorkspaceClientCapabilities()
        document = capabilities.text_document or types.TextDocumentClientCapabilities()
        window = capabilities.window or types.WindowClientCapabilities()
        edit = workspace.workspace_edit
        hover = document.hover
        return cls(
            progress=bool(window.work_done_progress),
            lens_refresh=bool(workspace.code_lens and workspace.code_lens.refresh_support),
            document_changes=bool(edit and edit.document_changes),
            configuration=bool(workspace.configuration),
            configuration_registration=bool(
                workspace.did_change_configuration
                and workspace.did_change_configuration.dynamic_registration
            ),
            markdown=bool(hover and types.MarkupKind.Markdown in (hover.content_format or ())),
            action_literals=bool(
                document.code_action and document.code_action.code_action_literal_support
            ),
        )
