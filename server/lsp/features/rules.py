"""Asks what the rules say of a document when it is opened or saved, or when its heat is known."""

from __future__ import annotations

from server.lsp.documents import Document
from server.lsp.feature import Feature
from server.lsp.placing import FileHeat


class Rules(Feature):
    """Keeps the findings of open documents new; Hints shows them."""

    def opened(self, document: Document) -> None:
        """A file is looked at once before it is edited."""
        self._look(document)

    def changed(self, document: Document) -> None:
        """What is known moves with the text."""
        self.server.findings.edited(document)

    def saved(self, document: Document) -> None:
        """What was edited is looked at again."""
        self._look(document)

    def closed(self, document: Document) -> None:
        """A closed file has no findings."""
        self.server.findings.drop(document)

    def heat_changed(self) -> None:
        """Other functions may be hot now."""
        self._look_at_all()

    def settings_changed(self) -> None:
        """Rules may look elsewhere now, or nowhere."""
        self._look_at_all()

    def _look_at_all(self) -> None:
        for document in self.server.documents:
            self._look(document)

    def _look(self, document: Document) -> None:
        server = self.server
        root = server.root_of(document.path)
        settings = server.configuration.of(root)
        heat = server.heat.of(document.path, server.roots_of(document.path))
        server.findings.look(document, root, settings, _hot(document, heat, settings.min_share))


def _hot(document: Document, heat: FileHeat | None, least: float) -> list[str]:
    """The hot functions by their names in the document, or by those that the profile's file has.

    The document's functions are not read for this: on a save the rules come first.
    """
    if heat is None:
        return []
    known = document.outline if document.is_outlined else None
    if known is not None and known.heat is not None and known.heat.stamp == heat.stamp:
        spots = known.heat.spots
        return [name for name, placed in known.hot.items() if spots[placed.spot].worth >= least]
    return [spot.function for spot in heat.spots if spot.worth >= least]
