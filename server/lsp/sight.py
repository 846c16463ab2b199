"""What is to be shown of a document's functions: heat, proved edits that still fit, what runs."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from analysis.text import TextChange
from server.lsp.documents import Document
from server.lsp.fitting import Edit
from server.lsp.outline import Span
from server.lsp.placing import Hot, Placed

if typing.TYPE_CHECKING:
    from optimizer.suggestion import Rejection


@dataclass(frozen=True)
class Fitting:
    """An edit that fits the document, and its changes there."""

    edit: Edit
    changes: tuple[TextChange, ...]


@dataclass
class Seen:
    """One function of a document of which something is known.

    `stale` tells that the function is not what the profile measured; `outdated` that an edit was
    proved for it which no longer fits. `changed` says what the proofs rest on and is not as it was.
    """

    document: Document
    function: str
    span: Span
    hot: Hot | None
    placed: Placed | None
    refused: tuple[Rejection, ...]
    running: bool
    edits: tuple[Edit, ...]
    changed: tuple[str, ...] = ()
    _fits: list[Fitting] | None = field(default=None, repr=False)

    @property
    def fitting(self) -> list[Fitting]:
        """The edits that fit; looked at when first asked for, and once for each version.

        For a function that was just edited nothing is certain until it is read again, unless the
        whole text is the proved one, as after an undo.
        """
        if self._fits is None:
            self._fits = []
            for edit in () if self.changed else self.edits:
                if self.span.touched and edit.proved != self.document.text:
                    continue
                if changes := edit.fit(self.document.text, self.span):
                    self._fits.append(Fitting(edit, changes))
        return self._fits

    @property
    def best(self) -> Fitting | None:
        """The whole ladder, where it fits."""
        return next((f for f in self.fitting if f.edit.rung is None), None)

    @property
    def outdated(self) -> bool:
        """Whether something was proved for this function, for another text of it."""
        return bool(self.edits) and not self.fitting

    @property
    def stale(self) -> bool:
        """Whether the function changed since the profile was taken."""
        if self.placed is None:
            return False
        return self.span.touched or self.placed.stale

    @property
    def unsure(self) -> str | None:
        """Why it can't be known whether the function is what the profile measured."""
        return None if self.placed is None or self.stale else self.placed.unsure

    @property
    def hot_lines(self) -> tuple[tuple[int, float], ...]:
        """The hottest lines (1-based) with their shares of the run, 0..1, the hottest first."""
        if self.placed is None or self.span.touched:
            return ()
        head = self.document.lines.line_of(self.span.name[0]) + 1
        return tuple((head + line.below, line.share) for line in self.placed.lines)

    @property
    def doubt(self) -> str:
        """What is to be said beside the heat: that it is of another text, or may be; else ""."""
        if self.stale:
            return "it was edited since the profile"
        return f"not certain: {self.unsure}" if self.unsure else ""


class Sight:
    """The functions of one version of a document of which something is known."""

    def __init__(self, document: Document, root: Path, seen: dict[str, Seen]) -> None:
        self.document = document
        self.root = root
        self._seen = seen

    def __iter__(self) -> Iterator[Seen]:
        return iter(self._seen.values())

    def get(self, function: str) -> Seen | None:
        """What is known of a function."""
        return self._seen.get(function)

    def touching(self, start: int, end: int) -> list[Seen]:
        """Functions that touch the string offsets, innermost first."""
        found = [s for s in self if s.span.start <= end and start <= s.span.end]
        return sorted(found, key=lambda s: s.span.end - s.span.start)
