"""What the memory says of hot functions of the open documents: asked for beside the loop, kept.

A hover only looks here. What is kept is of one text of a function: once it is edited, nothing is
known of it until it is asked for again.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hasten.launcher import child_command
from server.lsp.background import Tasks
from server.lsp.child import Child
from server.lsp.documents import Document
from server.lsp.recollection import Recollection

logger = logging.getLogger(__name__)

LIMIT_S = 60.0
"""The first answer may have to wait for the word index of a large memory to be built."""

MOST_FUNCTIONS = 20
MOST_TEXT = 2_000_000
"""Characters of a file; of a longer one nothing is asked."""


@dataclass(frozen=True)
class _Request:
    """A document and the fingerprints of those of its functions that are hot, by name."""

    document: Document
    root: Path
    functions: Mapping[str, str]

    def to_json(self) -> dict[str, Any]:
        return {
            "path": str(self.document.path),
            "text": self.document.text,
            "root": str(self.root),
            "functions": list(self.functions),
        }


@dataclass
class _File:
    """`asked` is the newest request without an answer; `known` is by name, with fingerprints."""

    asked: _Request | None = None
    known: dict[str, tuple[str, Recollection]] = field(default_factory=dict)


class Recall:
    """The recollections of each open document, from a process that holds the memory."""

    def __init__(self, tasks: Tasks, child: Child | None = None) -> None:
        self._tasks = tasks
        self._child = child or Child(child_command("lsp", "--recall"), LIMIT_S)
        self._files: dict[str, _File] = {}

    def of(self, uri: str, function: str, fingerprint: str | None) -> Recollection | None:
        """What is known of this very text of a function, by its fingerprint."""
        file = self._files.get(uri)
        known = file.known.get(function) if file is not None else None
        return known[1] if known is not None and known[0] == fingerprint else None

    def look(self, document: Document, root: Path, functions: Mapping[str, str]) -> None:
        """Ask what is known of functions, fingerprints by name, the hottest first.

        What was known before stays until there is an answer.
        """
        if not functions or len(document.text) > MOST_TEXT:
            self.drop(document)
            return
        file = self._files.setdefault(document.uri, _File())
        waiting = file.asked is not None
        file.asked = _Request(document, root, dict([*functions.items()][:MOST_FUNCTIONS]))
        if not waiting:
            self._tasks.start(self._ask(file), f"memory for {document.path.name}")

    def drop(self, document: Document) -> None:
        """Forget what is known of a document."""
        self._files.pop(document.uri, None)

    def stop(self) -> None:
        """End the process that holds the memory."""
        self._child.stop()

    async def _ask(self, file: _File) -> None:
        """Ask until the newest request is answered."""
        try:
            while (request := file.asked) is not None:
                if self._files.get(request.document.uri) is not file:
                    return  # closed meanwhile
                found = await self._child.ask(request.to_json(), _read, request.document.path)
                if file.asked is not request:
                    continue  # saved again meanwhile
                file.asked = None
                if found is not None:
                    file.known = {
                        name: (request.functions[name], recollection)
                        for name, recollection in found.items()
                        if name in request.functions
                    }
        finally:
            file.asked = None  # whatever happened: the next save asks again


def _read(answer: dict[str, Any]) -> dict[str, Recollection]:
    """The recollections by name. Raises ValueError or TypeError for what is no answer."""
    rows = answer.get("functions")
    if not isinstance(rows, dict) or len(rows) > MOST_FUNCTIONS:
        raise ValueError("no functions")
    return {name: Recollection.from_row(row) for name, row in rows.items()}
