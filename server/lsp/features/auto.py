"""With `hasten.auto` on: after a save, search for the hottest function that has no answer yet."""

from __future__ import annotations

import typing
from pathlib import Path

from server.lsp.documents import Document
from server.lsp.feature import Feature

if typing.TYPE_CHECKING:
    from server.lsp.server import HastenServer


class Auto(Feature):
    """One search at a time, for each text of a function once. Off by default."""

    def __init__(self, server: HastenServer) -> None:
        super().__init__(server)
        self._tried: set[tuple[str, str]] = set()

    def saved(self, document: Document) -> None:
        """Begin a search if the user asked for that and trusts the workspace."""
        server = self.server
        sight = server.see(document)
        settings = server.configuration.of(sight.root)
        if not settings.auto or len(server.jobs) or not server.configuration.trusts(sight.root):
            return
        hottest = sorted(sight, key=lambda s: s.hot.worth if s.hot else 0.0, reverse=True)
        for seen in hottest:
            known = document.outline.fingerprints.get(seen.function)
            if seen.hot is None or seen.hot.worth < settings.min_share or known is None:
                continue
            key = (str(document.path), known)
            if seen.fitting or seen.refused or key in self._tried:
                continue
            self._tried.add(key)
            self._search(document, sight.root, seen.function)
            return

    def _search(self, document: Document, root: Path, function: str) -> None:
        from server.lsp.spec import spec_for  # at the first search, with what it needs

        configuration = self.server.configuration
        self.server.jobs.start(
            document.path,
            function,
            lambda: spec_for(configuration, root, document.path, function, document.text),
        )
