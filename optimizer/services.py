"""What the jobs of one engine share: memory and index, opened at their first use."""

from __future__ import annotations

import logging
import threading
from dataclasses import replace
from pathlib import Path

from analysis.errors import HastenError
from index.query import Query
from index.record import Hit, Passage
from index.retrieval import Index
from index.store import Memory
from optimizer.results import Results

logger = logging.getLogger(__name__)


class Services:
    """Memory, index and results. What can't be opened is done without, and said in `notes`."""

    def __init__(self, workspace: Path, state: Path, results: Results | None) -> None:
        self.workspace, self.state, self.results = workspace, state, results
        self.notes: list[str] = []
        self._lock = threading.RLock()
        self._memory: Memory | None = None
        self._index: Index | None = None
        self._tried_memory = self._tried_index = False

    @property
    def memory(self) -> Memory | None:
        """The user's memory; None where it can't be opened."""
        with self._lock:
            if not self._tried_memory:
                self._tried_memory = True
                try:
                    self._memory = Memory()
                    self.notes += self._memory.notes
                except HastenError as error:
                    self.notes.append(f"{error.message} ({error.mend})")
            return self._memory

    def retrieve(self, query: Query, k: int) -> tuple[Hit, ...]:
        """The `k` records that fit best; none where the index can't be used."""
        index = self._opened_index()
        if index is None:
            return ()
        try:
            found = index.search(replace(query, workspace=self.state.name), k)
            self.notes = list(dict.fromkeys((*self.notes, *index.notes)))
            return found
        except Exception:  # the index is a help, never a condition
            logger.exception("the index could not be searched")
            return ()

    def passages(self, query: Query, k: int) -> tuple[Passage, ...]:
        """The `k` passages of research notes that fit best; none where there are none."""
        index = self._opened_index()
        if index is None:
            return ()
        try:
            return index.passages(query, k)
        except Exception:
            logger.exception("the notes could not be searched")
            return ()

    def _opened_index(self) -> Index | None:
        with self._lock:
            if not self._tried_index:
                self._tried_index = True
                memory = self.memory
                if memory is not None:
                    try:
                        self._index = Index(memory)
                    except Exception as error:
                        logger.exception("the index could not be opened")
                        self.notes.append(f"the index can't be used: {error}")
            return self._index

    def close(self) -> None:
        """Close what was opened."""
        with self._lock:
            if self._index is not None:
                self._index.close()
            if self._memory is not None:
                self._memory.close()
