"""What a feature may answer to. The server calls every feature, each guarded by itself."""

from __future__ import annotations

import typing
from collections.abc import Sequence

from lsprotocol import types

from server.lsp.documents import Document

if typing.TYPE_CHECKING:
    from server.lsp.server import HastenServer


class Feature:
    """A part of the server that can be left out without breaking another one.

    Every hook is empty here. Hooks run on the loop, so they only look things up; what takes longer
    is started as a task, or done by the engine.
    """

    def __init__(self, server: HastenServer) -> None:
        self.server = server

    def initialized(self) -> None:
        """The client is ready to be asked."""

    def opened(self, document: Document) -> None:
        """A document was opened."""

    def changed(self, document: Document) -> None:
        """A document has a new version."""

    def settled(self, document: Document) -> None:
        """A document was not changed for a moment, and its functions were read again."""

    def saved(self, document: Document) -> None:
        """A document was saved."""

    def closed(self, document: Document) -> None:
        """A document was closed."""

    def heat_changed(self) -> None:
        """A newer profile was read."""

    def offers_changed(self) -> None:
        """Suggestions came, went or were accepted."""

    def findings_changed(self, document: Document) -> None:
        """The rules have looked at a document."""

    def settings_changed(self) -> None:
        """The client's settings changed."""

    def hover(self, document: Document, offset: int) -> str | None:
        """Markdown for the place, or None."""
        return None

    def code_lenses(self, document: Document) -> Sequence[types.CodeLens]:
        """Lenses of the document."""
        return ()

    def code_actions(
        self, document: Document, start: int, end: int, context: types.CodeActionContext
    ) -> Sequence[types.CodeAction]:
        """Actions for the string offsets `start` to `end`."""
        return ()
