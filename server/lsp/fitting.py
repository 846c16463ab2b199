"""Whether a proved edit still fits the text in the editor, and where it goes there.

A suggestion's replacements refer to the whole file that was proved. The common case, one place of
the file edited since, is answered by one comparison; anything else by `analysis.relocate`.
"""

from __future__ import annotations

import typing
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from analysis.functions import Function, function_named
from analysis.relocate import relocate
from analysis.text import (
    Replacement,
    TextChange,
    apply_changes,
    same_ends,
    to_changes,
    to_replacements,
)
from optimizer.words import ratio_words
from server.lsp.outline import Span

if typing.TYPE_CHECKING:
    from optimizer.suggestion import Suggestion


@dataclass(frozen=True)
class Edit:
    """One edit that can be offered: a whole suggestion, or one rung of it that stands alone.

    `proved` is the text of the whole file that it was proved on, `changes` refer to it. `rung` is
    None for the whole ladder.
    """

    suggestion: Suggestion
    rung: int | None
    title: str
    proved: str
    changes: tuple[TextChange, ...]

    @cached_property
    def function(self) -> Function | None:
        """The function in the text that was proved."""
        return function_named(self.proved, self.suggestion.path, self.suggestion.function)

    @cached_property
    def after(self) -> Function | None:
        """The function as it is when the edit took."""
        text = apply_changes(self.proved, self.changes)
        return function_named(text, self.suggestion.path, self.suggestion.function)

    @cached_property
    def replacements(self) -> tuple[Replacement, ...]:
        """The changes as ranges of the text that was proved."""
        return to_replacements(self.proved, self.changes)

    def fit(self, text: str, span: Span | None = None) -> tuple[TextChange, ...] | None:
        """The changes to make to `text`, or None when what they touch is not what was proved.

        `span` is where the function lies in `text`, where that is known.
        """
        if text == self.proved:
            return self.changes
        if self.function is None:
            return None
        if span is not None and (within := self._within(text, span)) is not None:
            return within
        head, tail = same_ends(self.proved, text)
        kept_from, shift = len(self.proved) - tail, len(text) - len(self.proved)
        if self.function.end < head or self.function.start > kept_from:
            moved = [_moved(c, head, kept_from, shift) for c in self.changes]
            if None not in moved:
                return tuple(c for c in moved if c is not None)
        return relocate(
            self.proved,
            text,
            self.suggestion.path,
            self.suggestion.function,
            self.replacements,
        )

    def _within(self, text: str, span: Span) -> tuple[TextChange, ...] | None:
        """The changes where all of them lie in the function's lines, and those are the same."""
        assert self.function is not None
        start, end = _whole_lines(self.proved, self.function.start, self.function.end)
        now_start, now_end = _whole_lines(text, span.start, span.end)
        shift = now_start - start
        inside = all(start <= c.start and c.end <= end for c in self.changes)
        if not inside or self.proved[start:end] != text[now_start:now_end]:
            return None
        return tuple(TextChange(c.start + shift, c.end + shift, c.new_text) for c in self.changes)

    def took(self, text: str) -> bool:
        """Whether `text` holds the function as the edit leaves it."""
        now = function_named(text, self.suggestion.path, self.suggestion.function)
        return (
            now is not None and self.after is not None and now.fingerprint == self.after.fingerprint
        )


def _whole_lines(text: str, start: int, end: int) -> tuple[int, int]:
    """The range with the rest of its first and last line."""
    first = max(text.rfind("\n", 0, start), text.rfind("\r", 0, start)) + 1
    last = text.find("\n", end)
    return first, last + 1 if last >= 0 else len(text)


def _moved(change: TextChange, head: int, kept_from: int, shift: int) -> TextChange | None:
    if change.end < head:
        return change
    if change.start > kept_from:
        return TextChange(change.start + shift, change.end + shift, change.new_text)
    return None


def edits_of(suggestion: Suggestion, proved: str) -> tuple[Edit, ...]:
    """What can be offered of a suggestion: all of it first, then each rung that stands alone."""
    whole = Edit(
        suggestion,
        None,
        numbered(suggestion.title, suggestion.ratio),
        proved,
        to_changes(proved, suggestion.replacements),
    )
    if len(suggestion.edits) < 2:
        return (whole,)
    found = [whole]
    steps: list[tuple[TextChange, ...]] = []
    text = proved
    for number, rung in enumerate(suggestion.edits):
        changes = to_changes(text, rung.replacements)
        if rung.alone:
            original = _in_original(changes, steps)
            if original is not None:
                title = numbered(rung.title, rung.ratio)
                found.append(Edit(suggestion, number, title, proved, original))
        steps.append(changes)
        text = apply_changes(text, changes)
    return tuple(found)


def _in_original(
    changes: Sequence[TextChange], steps: Sequence[Sequence[TextChange]]
) -> tuple[TextChange, ...] | None:
    """Changes to the text after `steps` as changes to the text before them, where that exists."""
    found = []
    for change in changes:
        start, end = change.start, change.end
        for step in reversed(steps):
            places = _before(start, end, step)
            if places is None:
                return None
            start, end = places
        found.append(TextChange(start, end, change.new_text))
    return tuple(found)


def _before(start: int, end: int, step: Sequence[TextChange]) -> tuple[int, int] | None:
    """Where a range of the text after `step` lay before it; None when the step wrote into it."""
    shift = 0
    for change in sorted(step, key=lambda c: c.start):
        new_start = change.start + shift
        new_end = new_start + len(change.new_text)
        if new_end <= start:
            shift += len(change.new_text) - (change.end - change.start)
        elif new_start < end:
            return None
    return start - shift, end - shift


def numbered(title: str, ratio: float) -> str:
    """The title with the number in it: editors show little else."""
    return title if "×" in title else f"{ratio_words(ratio)} faster: {title}"
