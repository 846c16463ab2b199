"""What the rules say of the open documents: asked for after a save, moved while the text is edited.

An answer is about the text that was sent. What was edited since moves it along; what lies in a
function that was edited is dropped until the next save.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from analysis.ignore import is_ignored_path
from hasten.paths import rules_table
from server.lsp.background import Tasks
from server.lsp.documents import Document
from server.lsp.finder import Finder, Question, RuleHint
from server.lsp.interpreter import target_of
from server.lsp.outline import Splice, splice_between
from server.settings import Settings

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Request:
    document: Document
    root: Path
    settings: Settings
    names: Collection[str] | None
    hot: Collection[str]

    def question(self) -> Question:
        document = self.document
        target = target_of(self.root, self.settings.python)
        measured = rules_table()
        return Question(document.path, document.text, self.names, self.hot, target, measured)


@dataclass
class _File:
    """`asked` is the newest question that has no answer yet; `since` are the edits after it."""

    newest: Document
    asked: _Request | None = None
    since: list[Splice] = field(default_factory=list)
    hints: tuple[RuleHint, ...] = ()


class Findings:
    """The hints of each open document; `changed` hears of new ones."""

    def __init__(self, tasks: Tasks, changed: Callable[[Document], None]) -> None:
        self._tasks = tasks
        self._changed = changed
        self._finder = Finder()
        self._files: dict[str, _File] = {}

    def of(self, document: Document) -> tuple[RuleHint, ...]:
        """The hints of this very version; none for another one than the newest."""
        file = self._files.get(document.uri)
        return file.hints if file is not None and file.newest is document else ()

    def look(
        self, document: Document, root: Path, settings: Settings, hot: Collection[str]
    ) -> None:
        """Ask what the rules say of the document now."""
        names = hot if settings.rules == "hot" else None
        silent = settings.rules == "off" or (names is not None and not names)
        if silent or is_ignored_path(document.path, settings.ignore, root):
            self.drop(document)
            return
        file = self._files.setdefault(document.uri, _File(document))
        waiting = file.asked is not None
        file.newest, file.since = document, []
        file.asked = _Request(document, root, settings, names, hot)
        if not waiting:
            self._tasks.start(self._ask(file), f"rules for {document.path.name}")

    async def _ask(self, file: _File) -> None:
        """Ask until the newest question is answered."""
        while (request := file.asked) is not None:
            found = await self._finder.look(request.question())
            if self._files.get(request.document.uri) is not file:
                return  # closed meanwhile
            if file.asked is not request:
                continue  # saved again meanwhile
            file.asked = None
            file.hints = _moved(_one_a_line(request.document, found or ()), file.since)
            self._changed(file.newest)

    def edited(self, document: Document) -> None:
        """A document has a new version."""
        file = self._files.get(document.uri)
        if file is None:
            return
        splice = splice_between(file.newest.text, document.text)
        file.newest = document
        file.hints = _moved(file.hints, [splice])
        if file.asked is not None:
            file.since.append(splice)

    def drop(self, document: Document) -> None:
        """Forget what is known of a document."""
        if self._files.pop(document.uri, None) is not None:
            self._tasks.start(self._finder.forget(document.path), "forgetting a file")

    def stop(self) -> None:
        """End the process that looks."""
        self._finder.stop()


def _one_a_line(document: Document, found: Iterable[RuleHint]) -> tuple[RuleHint, ...]:
    """The first hint of each line where one begins: the likely largest gain comes first."""
    by_line: dict[int, RuleHint] = {}
    for hint in found:
        by_line.setdefault(document.lines.line_of(hint.start), hint)
    return tuple(by_line.values())


def _moved(hints: tuple[RuleHint, ...], splices: Iterable[Splice]) -> tuple[RuleHint, ...]:
    """The hints after edits, without those of functions that were edited."""
    for splice in splices:
        hints = tuple(
            replace(
                hint,
                start=splice.moved(hint.start),
                end=splice.moved(hint.end),
                first=splice.moved(hint.first),
                last=splice.moved(hint.last),
            )
            for hint in hints
            if not splice.touches(hint.first, hint.last)
        )
    return hints
