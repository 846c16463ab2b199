"""On hover: what worked on code like a hot function, and what research notes say of it."""

from __future__ import annotations

import functools
import typing
from collections.abc import Iterator

from optimizer.words import ratio_words
from server.lsp.documents import Document
from server.lsp.feature import Feature
from server.lsp.features.hover import head_at, plain
from server.lsp.recollection import STANDINGS, Quote, Recollection, Similar
from server.lsp.sight import Sight

if typing.TYPE_CHECKING:
    from server.lsp.server import HastenServer


class Recalled(Feature):
    """Asks when a document is opened or saved, or its heat is known; a hover only looks."""

    def __init__(self, server: HastenServer) -> None:
        super().__init__(server)
        self._due: set[str] = set()

    def opened(self, document: Document) -> None:
        """A file that was profiled before is asked about at once."""
        self._ask(document)

    def saved(self, document: Document) -> None:
        """What was edited is asked about anew."""
        self._ask(document)

    def settled(self, document: Document) -> None:
        """The functions of a large document come later than its save."""
        if document.uri in self._due:
            self._ask(document)

    def closed(self, document: Document) -> None:
        """Nothing is kept of a closed file."""
        self._due.discard(document.uri)
        self.server.recall.drop(document)

    def heat_changed(self) -> None:
        """Other functions may be hot now."""
        self._ask_all()

    def settings_changed(self) -> None:
        """Another share may make a function hot now."""
        self._ask_all()

    def hover(self, document: Document, offset: int) -> str | None:
        """What is known of the hot function whose head is at the offset."""
        seen = head_at(self.server.see(document), offset)
        if seen is None or seen.hot is None or seen.span.touched:
            return None
        fingerprint = document.outline.fingerprints.get(seen.function)
        found = self.server.recall.of(document.uri, seen.function, fingerprint)
        return None if found is None else markdown_of(found) or None

    def _ask_all(self) -> None:
        for document in self.server.documents:
            self._ask(document)

    def _ask(self, document: Document) -> None:
        server = self.server
        self._due.discard(document.uri)
        if server.heat.of(document.path, server.roots_of(document.path)) is None:
            server.recall.drop(document)
            return
        sight = server.see(document)
        if not document.is_outlined or document.spans.edits:
            self._due.add(document.uri)  # another process reads it, or it is being edited
            return
        least = server.configuration.of(sight.root).min_share
        server.recall.look(document, sight.root, _hot(sight, least))


def _hot(sight: Sight, least: float) -> dict[str, str]:
    """The fingerprints of the hot functions, by name, the hottest first."""
    known = sight.document.outline.fingerprints
    hot = [(s.hot.worth, s.function) for s in sight if s.hot and s.hot.worth >= least]
    return {name: known[name] for _, name in sorted(hot, reverse=True) if name in known}


@functools.lru_cache(maxsize=256)
def markdown_of(found: Recollection) -> str:
    """The sections of the hover; "" where nothing was found. Made once, not at each hover."""
    return "\n\n".join(_sections(found))


def _sections(found: Recollection) -> Iterator[str]:
    """Whose figures they are stands before them."""
    if found.similar:
        lines = [f"- {_similar_words(one)}" for one in found.similar]
        head = "Worked on code like this (measured there; nothing was tried here):"
        yield "\n".join([head, *lines])
    if found.quotes:
        yield "\n".join(["From research notes:", *(f"- {_quote_words(q)}" for q in found.quotes)])


def _similar_words(similar: Similar) -> str:
    ratio = "" if similar.ratio is None else f"{ratio_words(similar.ratio)} "
    return f"{ratio}**{plain(similar.title)}** ({STANDINGS[similar.standing]})"


def _quote_words(quote: Quote) -> str:
    return f"“{plain(quote.text)}” from {plain(quote.cited)}"
