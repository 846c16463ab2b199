"""The open documents, as the editor sees them.

pygls' documents are not used: they split lines with `str.splitlines`, which also splits at form
feeds and U+2028, so that an edit lands on another line than the editor's; they clamp positions past
the end of the last line wrongly; and they are changed in place while a handler may wait.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Collection, Iterator, Sequence
from functools import cached_property
from pathlib import Path

from lsprotocol import types
from pygls.uris import to_fs_path

from analysis.functions import Tree, functions_in, parse_file
from analysis.source import read_source
from analysis.text import Encoding, LineIndex, Position, TextChange
from server.lsp.outline import Outline, Spans, Splice, splice_between
from server.lsp.placing import FileHeat

LARGE = 50_000
"""Characters above which the functions are read by another process, and no tree is kept here."""

MOST_EDITS = 1000
"""Edits without a pause after which the functions are read again at the next question."""

_LINE_END = re.compile(r"\r\n|\n|\r")


class Document:
    """One version of an open document. It never changes: a later version is another object.

    A handler that waits keeps the version that it began with; whoever wants to publish or edit
    compares `version` with the store's first. What a version knows (lines, tree, functions) is made
    when first asked for, from an earlier version's where there is one, so that a key stroke costs
    little and the next one nothing more.
    """

    def __init__(
        self,
        uri: str,
        path: Path,
        version: int,
        text: str,
        encoding: Encoding,
        *,
        lines: LineIndex | None = None,
        spans: Spans | None = None,
        before: Document | None = None,
    ) -> None:
        self.uri = uri
        self.path = path
        self.version = version
        self.text = text
        self.encoding: Encoding = encoding
        self._lines = lines
        self._tree: Tree | None = None
        self._old_tree = before.newest_tree if before else None
        self._spans = spans

    @property
    def lines(self) -> LineIndex:
        """Line starts, found once for each version."""
        if self._lines is None:
            self._lines = LineIndex(self.text)
        return self._lines

    @property
    def newest_tree(self) -> Tree | None:
        """This version's tree, or the latest earlier one that was made."""
        return self._tree or self._old_tree

    def read(self, wanted: Collection[str] = (), heat: FileHeat | None = None) -> Outline:
        """Read the functions of this very version, keep the wanted ones (20 ms for 10,000 lines).

        `heat` is what a profile says of the file: its functions are found in the text.

        What was read of an earlier version is let go first: both at once would take 10 MB.
        """
        spans, self._spans = self._spans, None
        if spans is not None and not spans.edits and spans.outline.is_of(wanted, heat):
            self._spans = spans
            return spans.outline
        del spans
        if self._tree is None:
            path = str(self.path)
            self._tree, self._old_tree = parse_file(self.text, path, self._old_tree), None
        functions = functions_in(self.text, str(self.path), self._tree)
        self._lines = self._tree.lines
        outline = Outline.of(self.text, self._lines, functions, wanted, heat)
        if self.is_large:
            self._tree = None
        self._spans = Spans(outline)
        return outline

    def was_read(self, outline: Outline) -> None:
        """Take what another process read from this very text."""
        self._spans = Spans(outline)

    @property
    def is_large(self) -> bool:
        """Whether reading the functions would stop the server for too long."""
        return len(self.text) > LARGE

    @property
    def is_outlined(self) -> bool:
        """Whether the functions of this or an earlier version were read."""
        return self._spans is not None

    @property
    def outline(self) -> Outline:
        """The functions as last read."""
        return self.spans.outline

    @property
    def spans(self) -> Spans:
        """Where the functions as last read lie in this version."""
        if self._spans is None:
            self.read()
        assert self._spans is not None
        return self._spans

    @cached_property
    def sha256(self) -> str:
        """Hash of the whole text, as suggestions name the text they were proved on."""
        return hashlib.sha256(self.text.encode("utf-8", "surrogatepass")).hexdigest()

    def offset(self, position: types.Position) -> int:
        """The string offset of the editor's position."""
        return self.lines.offset(Position(position.line, position.character), self.encoding)

    def to_range(self, start: int, end: int) -> types.Range:
        """Two string offsets as the editor's range."""
        found = self.lines.range(start, end, self.encoding)
        return types.Range(
            types.Position(found.start.line, found.start.character),
            types.Position(found.end.line, found.end.character),
        )

    def edits(self, changes: Sequence[TextChange]) -> list[types.TextEdit]:
        """Changes to this version as the editor's edits."""
        return [
            types.TextEdit(self.to_range(c.start, c.end), c.new_text)
            for c in sorted(changes, key=lambda c: (c.start, c.end))
        ]

    def after(
        self, version: int, changes: Sequence[types.TextDocumentContentChangeEvent]
    ) -> Document:
        """The document after the editor's changes, each of which refers to the text before it."""
        text, lines, spans = self.text, self._lines, self._spans
        for change in changes:
            if isinstance(change, types.TextDocumentContentChangePartial):
                lines = lines or LineIndex(text)
                start, end = (
                    lines.offset(Position(p.line, p.character), self.encoding)
                    for p in (change.range.start, change.range.end)
                )
                end = max(start, end)
                splice = Splice(start, end, len(change.text))
                lines = spliced(lines, start, end, change.text)
                text = lines.text
            else:
                splice = splice_between(text, change.text)
                text, lines = change.text, None
            if spans is not None:
                spans = spans.after(splice) if spans.edits < MOST_EDITS else None
        return Document(
            self.uri,
            self.path,
            version,
            text,
            self.encoding,
            lines=lines,
            spans=spans,
            before=self,
        )


def spliced(index: LineIndex, start: int, end: int, new_text: str) -> LineIndex:
    """The line index after one change, without looking at the rest of the text again.

    The lines around are read anew too, since ``\\r`` and ``\\n`` can meet or part at either edge.
    """
    text = index.text[:start] + new_text + index.text[end:]
    starts, shift = index.starts, len(new_text) - (end - start)
    first = max(index.line_of(start) - 1, 0)
    last = min(index.line_of(end) + 2, len(starts))
    window = starts[first]
    window_end = (starts[last] + shift) if last < len(starts) else len(text)
    found = [m.end() for m in _LINE_END.finditer(text, window, window_end)]
    if last < len(starts) and found and found[-1] == window_end:
        del found[-1]  # it is starts[last], which follows
    result = LineIndex.__new__(LineIndex)
    result.text = text
    result.starts = [*starts[: first + 1], *found, *(s + shift for s in starts[last:])]
    return result


class Documents:
    """The open documents, by URI."""

    def __init__(self) -> None:
        self.encoding: Encoding = "utf-16"
        self._open: dict[str, Document] = {}

    def __iter__(self) -> Iterator[Document]:
        return iter(list(self._open.values()))

    def get(self, uri: str) -> Document | None:
        """The newest version of an open document."""
        return self._open.get(uri)

    def by_path(self, path: Path) -> Document | None:
        """The open document of a file."""
        real = Path(os.path.realpath(path))
        return next((d for d in self._open.values() if d.path == real), None)

    def open(self, item: types.TextDocumentItem) -> Document:
        """The editor's text counts from now on."""
        document = Document(item.uri, path_of(item.uri), item.version, item.text, self.encoding)
        self._open[item.uri] = document
        return document

    def change(self, params: types.DidChangeTextDocumentParams) -> Document | None:
        """Apply the editor's changes; None for a document that is not open."""
        document = self._open.get(params.text_document.uri)
        if document is None:
            return None
        document = document.after(params.text_document.version, params.content_changes)
        self._open[document.uri] = document
        return document

    def close(self, uri: str) -> Document | None:
        """Forget a document; the file on disk counts again."""
        return self._open.pop(uri, None)

    def load(self, uri: str) -> Document:
        """The open document, or the file on disk with its own line ends and encoding.

        Raises AnalysisError when the file can't be read.
        """
        found = self.get(uri)
        if found is None:
            source = read_source(path_of(uri))
            found = Document(uri, source.path, 0, source.text, self.encoding)
        return found


def path_of(uri: str) -> Path:
    """The real file of a URI; a document that is no file gets a path that does not exist."""
    path = to_fs_path(uri) if uri.startswith("file:") else None
    if not path:
        return Path("/nonexistent") / re.sub(r"\W", "_", uri)
    return Path(os.path.realpath(path))
