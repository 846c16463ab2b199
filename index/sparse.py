"""The word indexes of a memory: one for each language and key, brought up to date as it changes."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

from analysis.progress import Progress
from index.chroma import collection_name
from index.lexical import Lexical, Ranking
from index.store import Memory
from index.vectors import NOTES
from index.words import valid, words

_FORMAT = 1
"""Counted up when texts are cut otherwise: an index of another format is built anew."""
_COLUMNS = {"edit": "title || '. ' || edit", "code": "slow"}
_IN_A_LOOP = " in a loop"


def phrases(facts: str) -> list[str]:
    """Static facts as they are, and those about loops also without that."""
    found = facts.split("; ") if facts else []
    return [*found, *(p.removesuffix(_IN_A_LOOP) for p in found if p.endswith(_IN_A_LOOP))]


def names(code: str) -> list[str]:
    """The parts of all names and words of a code."""
    return [word.lower() for word in re.findall(r"[A-Za-z]+", code)]


_TOKENS: dict[str, Callable[[str], list[str]]] = {
    "facts": phrases,
    "shape": str.split,
    "code": names,
}


class Sparse:
    """BM25 over one memory, kept in `folder`. Not safe to use from several threads at once."""

    def __init__(self, memory: Memory, folder: Path) -> None:
        self._memory, self._folder = memory, folder
        self._open: dict[tuple[str, str], Lexical] = {}

    def search(
        self, language: str, key: str, text: str, n: int, generation: int, progress: Progress
    ) -> Ranking:
        """The `n` records (or passages) whose `key` fits a text best, of what the memory holds at
        a generation or later: what came in the meantime is read now and once more the next time.
        """
        lexical = self._current(language, key, generation, progress)
        try:
            return lexical.search(text, n)
        except (IndexError, ValueError):  # a bad disk gives other bytes than were written
            lexical.build(self._rows(language, key, -1), generation, progress)
            return lexical.search(text, n)

    def drop(self) -> None:
        """Delete what was kept; the next search builds anew."""
        self._open.clear()
        shutil.rmtree(self._folder, ignore_errors=True)

    def intact(self) -> bool:
        """Whether what was kept still has the bytes that were written; reads all of it."""
        return all(Lexical(path, "").intact() for path in self._folder.glob("*"))

    def _current(self, language: str, key: str, generation: int, progress: Progress) -> Lexical:
        lexical = self._open.get((language, key))
        if lexical is None:
            folder = None
            if not self._memory.read_only:
                folder = self._folder / collection_name(language, key)
            tokens, state = _TOKENS.get(key, words), self._memory.state
            lexical = Lexical(folder, f"{language} {key} {_FORMAT}", tokens, state=state)
            lexical.open()
            self._open[language, key] = lexical
        if lexical.seen != generation and not self._update(lexical, language, key, generation):
            rows = self._rows(language, key, -1)
            lexical.build(rows, generation, progress)
        return lexical

    def _update(self, lexical: Lexical, language: str, key: str, generation: int) -> bool:
        since = lexical.seen
        if since < 0 or since > generation:
            return False
        gone = self._memory.gone_since("passage" if key == NOTES else "record", language, since)
        if gone is None:
            return False
        return lexical.update(self._rows(language, key, since), gone, generation)

    def _rows(self, language: str, key: str, since: int) -> list[tuple[str, str]]:
        if key == NOTES:
            rows = self._memory.read(
                "SELECT id, section || '. ' || text FROM passages WHERE revision > ? ORDER BY id",
                since,
            )
        else:
            column = _COLUMNS.get(key, key)
            rows = self._memory.read(
                f"SELECT id, {column} FROM records WHERE language = ? AND revision > ? ORDER BY id",
                language,
                since,
            )
        found = []
        for item, text in rows:
            if isinstance(item, str) and isinstance(text, str):
                found.append((item, valid(text)))
        if [(item, text) for item, text in rows] != found:  # damaged, and not what it was
            self._memory.suspect()
        return found
