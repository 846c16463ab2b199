"""Who tells a model about code of a language beside Python, by the language's folder."""

from __future__ import annotations

from typing import Protocol

from analysis.edits import AtomicEdit
from analysis.functions import Function
from analysis.languages import language_of
from optimizer.proposers import native, script


class Teller(Protocol):
    """A module that puts code before a model, and takes its answer as an edit."""

    def system(self, path: str) -> str:
        """The words of the task for a file's language."""

    def context(self, text: str, path: str, function: Function) -> tuple[tuple[str, str], ...]:
        """Title and text of each block of material."""

    def edit_of(self, reply: str, text: str, path: str, qualname: str, model: str) -> AtomicEdit:
        """A model's answer as an edit of `text`. Raises BadAnswer and Declined."""


_TELLERS: dict[str | None, Teller] = {"native": native, "javascript": script}


def of_language(path: str) -> Teller:
    """The module for a file's language."""
    return _TELLERS[language_of(path).folder]
