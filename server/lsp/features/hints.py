"""Hints: a diagnostic of the lowest severity for each hot function and each place of a rule."""

from __future__ import annotations

import typing

from lsprotocol import types

from analysis.worth import share_text
from server.lsp.documents import Document
from server.lsp.feature import Feature
from server.lsp.finder import RuleHint
from server.lsp.sight import Seen

if typing.TYPE_CHECKING:
    from server.lsp.server import HastenServer

SOURCE = "hasten"


class Hints(Feature):
    """Publishes the hints of open documents, when they are opened, saved, or known better."""

    def __init__(self, server: HastenServer) -> None:
        super().__init__(server)
        self._published: dict[str, list[types.Diagnostic]] = {}

    def opened(self, document: Document) -> None:
        """A file that was profiled before is marked at once."""
        self._publish(document)

    def saved(self, document: Document) -> None:
        """What was edited may be stale now."""
        self._publish(document)

    def settled(self, document: Document) -> None:
        """The hints move with the functions."""
        self._publish(document)

    def findings_changed(self, document: Document) -> None:
        """The rules have looked at the document."""
        self._publish(document)

    def closed(self, document: Document) -> None:
        """A closed file has no hints."""
        if self._published.pop(document.uri, None):
            self._send(document, [])

    def heat_changed(self) -> None:
        """A newer profile was read."""
        self._publish_all()

    def offers_changed(self) -> None:
        """What was proved is said in the hint."""
        self._publish_all()

    def settings_changed(self) -> None:
        """Hints may have been switched off."""
        self._publish_all()

    def _publish_all(self) -> None:
        for document in self.server.documents:
            self._publish(document)

    def _publish(self, document: Document) -> None:
        sight = self.server.see(document)
        settings = self.server.configuration.of(sight.root)
        found: list[types.Diagnostic] = []
        if settings.hints:
            found = [
                hint(document, seen)
                for seen in sight
                if seen.hot is not None and seen.hot.worth >= settings.min_share
            ]
        found += [rule_hint(document, hint) for hint in self.server.findings.of(document)]
        if found != self._published.get(document.uri, []):
            self._published[document.uri] = found
            self._send(document, found)

    def _send(self, document: Document, found: list[types.Diagnostic]) -> None:
        self.server.text_document_publish_diagnostics(
            types.PublishDiagnosticsParams(document.uri, found, version=document.version)
        )


def hint(document: Document, seen: Seen) -> types.Diagnostic:
    """The hint of a hot function, at its name."""
    assert seen.hot is not None
    message = f"{share_text(seen.hot.worth)} of the run is spent in {seen.function}"
    if seen.doubt:
        message += f" ({seen.doubt})"
    if best := seen.best:
        message += f"; {best.edit.title} (proved)"
    return types.Diagnostic(
        range=document.to_range(*seen.span.name),
        message=message,
        severity=types.DiagnosticSeverity.Hint,
        source=SOURCE,
        code="hot",
    )


def rule_hint(document: Document, hint: RuleHint) -> types.Diagnostic:
    """The hint of a rule, at what it matched."""
    return types.Diagnostic(
        range=document.to_range(hint.start, hint.end),
        message=f"{hint.title} (a hint of a rule: not proved here)",
        severity=types.DiagnosticSeverity.Hint,
        source=SOURCE,
        code=hint.rule,
    )
