"""Lenses above hot functions. Each has an equal code action: not every client shows lenses."""

from __future__ import annotations

from collections.abc import Sequence

from lsprotocol import types

from analysis.worth import share_text
from server.lsp.documents import Document
from server.lsp.feature import Feature
from server.lsp.features.commands import apply_command, optimize_command
from server.lsp.sight import Seen


class Lenses(Feature):
    """One lens for what can be done, with the share of the run in it."""

    def code_lenses(self, document: Document) -> Sequence[types.CodeLens]:
        """Lenses of functions that are hot, or that have a proved edit."""
        sight = self.server.see(document)
        settings = self.server.configuration.of(sight.root)
        if not settings.code_lens:
            return ()
        found = []
        for seen in sight:
            hot = seen.hot is not None and seen.hot.worth >= settings.min_share
            if hot or seen.best is not None:
                found.append(
                    types.CodeLens(document.to_range(*seen.span.name), _command(document, seen))
                )
        return sorted(found, key=lambda lens: lens.range.start.line)

    def heat_changed(self) -> None:
        """Lenses are asked for anew."""
        self._refresh()

    def offers_changed(self) -> None:
        """Lenses are asked for anew."""
        self._refresh()

    def settings_changed(self) -> None:
        """Lenses are asked for anew."""
        self._refresh()

    def _refresh(self) -> None:
        if self.server.client.lens_refresh:
            self.server.workspace_code_lens_refresh(None)


def _command(document: Document, seen: Seen) -> types.Command:
    if (best := seen.best) is not None and not seen.running:
        return apply_command(f"{best.edit.title} (proved)", document, best.edit)
    share = share_text(seen.hot.worth) if seen.hot else "a part"
    edited = " (edited since)" if seen.stale else " (not certain)" if seen.unsure else ""
    what = "looking for an edit" if seen.running else "optimize"
    return optimize_command(f"{share} of the run{edited} · {what}", document, seen.function)
