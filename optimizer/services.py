"""What the jobs of one engine share: memory and index, opened at their first use."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from analysis.errors import HastenError
from index.record import Hit
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

    def retrieve(
        self, text: str, k: int, program: str = "", language: str = "python"
    ) -> tuple[Hit, ...]:
        """The `k` records of the index that are nearest to a text; none where it can't be used.

        Records of `program` (a provenance) are left out.
        """
        index = self._opened_index()
        if index is None:
            return ()
        try:
            found = index.search(text, k, language, program=program, workspace=self.state.name)
            self.notes = list(dict.fromkeys((*self.notes, *index.notes)))
            return found
        except Exception:  # the index is a help, never a condition
            logger.exception("the index could not be searched")
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
