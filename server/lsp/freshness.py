"""Whether what was proved still rests on what it rested on: callees, constants, libraries.

That an edit fits its function says nothing about the functions that it calls. Times of the files
and versions of the open documents tell each second whether to look again; looking happens in
another process.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from server.lsp.documents import Document
from server.lsp.elsewhere import run_elsewhere
from server.lsp.fitting import Edit

if typing.TYPE_CHECKING:
    from benchmark_runner.receipt import Dependency

Stamp = tuple[tuple[str, int], ...]


class Freshness:
    """What changed under the suggestions that are shown, by their ids."""

    def __init__(self) -> None:
        self._changed: Mapping[str, tuple[str, ...]] = {}
        self._stamp: Stamp = ()
        self._seen: Stamp = ()

    def changed(self, id: str) -> tuple[str, ...]:
        """What a suggestion rests on and is not as it was, one sentence each."""
        return self._changed.get(id, ())

    async def refresh(
        self, edits: Iterable[Edit], document_at: Callable[[Path], Document | None]
    ) -> bool:
        """Look again where a file or a document changed; True when that told something new."""
        resting: dict[str, tuple[Dependency, ...]] = {}
        for edit in edits:
            resting[edit.suggestion.id] = edit.suggestion.receipt.dependencies
        if not resting:
            changed = bool(self._changed)
            self._changed, self._stamp = {}, ()
            return changed
        paths = sorted({d.path for known in resting.values() for d in known if d.path})
        documents = {path: document_at(Path(path)) for path in paths}
        stamp: Stamp = (
            *((path, _time(path)) for path in paths),
            *((path, d.version or 0) for path, d in documents.items() if d is not None),
            *((id, 0) for id in resting),
        )
        settled, self._seen = stamp == self._seen or not self._stamp, stamp
        if stamp == self._stamp or not settled:
            return False  # nothing new, or somebody is typing: the next look will do
        told = await run_elsewhere(
            "--check-receipts",
            given={
                "texts": {path: d.text for path, d in documents.items() if d is not None},
                "receipts": {
                    id: [(d.kind, d.path, d.name, d.digest) for d in known]
                    for id, known in resting.items()
                },
            },
        )
        if told is None:
            return False  # tried again with the next look
        self._stamp = stamp
        found = {id: tuple(map(str, reasons)) for id, reasons in told["changed"].items()}
        news = found != self._changed
        self._changed = found
        return news


def _time(path: str) -> int:
    try:
        return Path(path).stat().st_mtime_ns
    except OSError:
        return 0
