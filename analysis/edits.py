"""Atomic edits: one idea each, as text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from analysis.text import TextChange, apply_changes

Origin = Literal["rule", "model"]


@dataclass(frozen=True)
class AtomicEdit:
    """One idea: changes that all refer to one text, and words that are free of its names.

    `changes` refer to the text that the edit was made for. `title` is a short imperative
    ("test membership in a set"), `description` says what was slow and what the edit does, in
    general terms, so that it can be retrieved for other programs. `source` is the rule's id or the
    model's name.
    """

    title: str
    description: str
    changes: tuple[TextChange, ...]
    origin: Origin
    source: str

    def apply(self, text: str) -> str:
        """The text after the edit."""
        return apply_changes(text, self.changes)
