"""Nearest neighbours by vector: through Chroma for its owner, exactly over SQLite for the rest."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from analysis.progress import Progress
from index.chroma import Chroma, ChromaFailed
from index.embedding import Embedder
from index.errors import EmbeddingError
from index.lexical import Ranking
from index.record import KINDS, Kind
from index.store import Memory
from index.vectors import Text, Vectors

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

_BATCH = 64
_SHARERS = 10  # records of one text that are looked at: rules describe many edits with one text


class Dense:
    """Vectors of one embedder over one memory. Not safe to use from several threads at once.

    `notes` collect what went wrong and what was done about it.
    """

    def __init__(
        self,
        memory: Memory,
        folder: Path,
        embedder: Embedder,
        kinds: tuple[Kind, ...] = KINDS,
    ) -> None:
        self.notes: list[str] = []
        self._memory = memory
        self._embedder, self._kinds = embedder, kinds
        self._vectors = Vectors(memory, embedder.identity)
        self._chroma: Chroma | None = Chroma(folder, memory, embedder.identity)
        self._embedded = -1
        self._length = 0
        self._matrices: dict[
            tuple[str, str], tuple[int, tuple[str, ...], NDArray[float32] | None]
        ] = {}

    def close(self) -> None:
        """Let go of Chroma and its lock."""
        if self._chroma is not None:
            self._chroma.close()

    def embed_missing(self, progress: Progress) -> int:
        """Make the vectors that are missing, keeping each batch; returns how many.

        An interrupted run goes on where it stopped. Raises EmbeddingError, Cancelled (from
        `progress`).
        """
        generation = self._memory.generation()
        if generation == self._embedded:
            return 0
        missing = self._vectors.missing(self._embedded, self._kinds)
        # Many records share their facts, and one rule describes many edits with one text.
        texts = list(dict.fromkeys(text.text for text in missing))
        holders: dict[str, list[Text]] = {}
        for text in missing:
            holders.setdefault(text.text, []).append(text)
        for start in range(0, len(texts), _BATCH):
            progress(f"embedding with {self._embedder.name}", start / len(texts))
            batch = texts[start : start + _BATCH]
            rows = self._embedder.embed(batch).astype("<f4")
            self._vectors.put(
                (holder, row.tobytes())
                for text, row in zip(batch, rows, strict=True)
                for holder in holders[text]
            )
        self._embedded = generation
        return len(missing)

    def embed(self, texts: list[str], progress: Progress) -> NDArray[float32]:
        """Vectors of queries, after those of the records; both have the same length.

        An endpoint can change what stands behind a name: vectors of another length are made anew.
        Raises EmbeddingError.
        """
        self.embed_missing(progress)
        queries = self._embedder.embed(texts)
        if self._length != queries.shape[1]:
            self._check_length(queries.shape[1], progress)
        return queries

    def _check_length(self, length: int, progress: Progress) -> None:
        if self._vectors.has_other_sizes(length * 4):
            self.notes.append(f"{self._embedder.name} gives vectors of another length: made anew")
            self._vectors.drop(own=True, others=False)
            self.embed_missing(progress)
            if self._vectors.has_other_sizes(length * 4):
                raise EmbeddingError(
                    f"{self._embedder.name}: vectors of different lengths",
                    code="embedding-failed",
                    mend="check the embedding model and its address",
                )
            self.drop_index()
        self._length = length

    def forget(self) -> None:
        """All vectors were dropped: embed everything at the next need."""
        self._embedded = -1
        self._matrices.clear()

    def drop_index(self) -> None:
        """Forget the open index; the next search opens and checks it again."""
        if self._chroma is not None:
            folder = self._chroma.folder
            self._chroma.close()
            self._chroma = Chroma(folder, self._memory, self._embedder.identity)

    def nearest(
        self, language: str, kind: str, vector: NDArray[float32], n: int, progress: Progress
    ) -> Ranking:
        """The nearest records, nearest first; those with equal vectors share a place."""
        digests = self._nearest(language, kind, vector, n, progress)
        return self._vectors.holders(kind, language, digests, _SHARERS)

    def _nearest(
        self, language: str, kind: str, vector: NDArray[float32], n: int, progress: Progress
    ) -> tuple[str, ...]:
        chroma = self.owned(progress)
        if chroma is not None:
            try:
                chroma.sync()
                found = chroma.query(language, kind, vector, n)
            except ChromaFailed as error:
                self.notes.append(f"the Chroma index failed ({error}) and was built anew")
                try:
                    chroma.rebuild(progress)
                    found = chroma.query(language, kind, vector, n)
                except ChromaFailed as again:
                    self._give_up(again)
                    found = None
            if found is not None:
                return found
        return self._exact(language, kind, vector, n)

    def owned(self, progress: Progress) -> Chroma | None:
        """The checked index if this process owns it (or can get it now), else None."""
        chroma = self._chroma
        if chroma is None or not chroma.acquire():
            return None
        if not chroma.is_open:
            try:
                why = chroma.open(progress)
            except (ChromaFailed, OSError) as error:
                self._give_up(error)
                return None
            if why is not None:
                self.notes.append(f"the Chroma index was built anew: {why}")
        return chroma

    def rebuild(self, progress: Progress) -> bool:
        """Build the Chroma index anew; False if another process owns it. Raises ChromaFailed."""
        if self._chroma is None or not self._chroma.acquire():
            return False
        self._chroma.rebuild(progress)
        return True

    def _give_up(self, error: Exception) -> None:
        self.notes.append(f"Chroma can't be used, searching exactly instead: {error}")
        if self._chroma is not None:
            self._chroma.close()
            self._chroma = None

    def _exact(self, language: str, kind: str, vector: NDArray[float32], n: int) -> tuple[str, ...]:
        import numpy as np

        ids, matrix = self._matrix(language, kind)
        if matrix is None:
            return ()
        order = np.argsort(-(matrix @ vector), kind="stable")[:n]
        return tuple(ids[int(i)] for i in order)

    def _matrix(self, language: str, kind: str) -> tuple[tuple[str, ...], NDArray[float32] | None]:
        import numpy as np

        generation = self._memory.generation()
        cached = self._matrices.get((language, kind))
        if cached is None or cached[0] != generation:
            rows = self._vectors.some(kind, language, self._vectors.digests(kind, language))
            ids = tuple(digest for digest, _ in rows)
            matrix = np.stack([np.frombuffer(b, dtype="<f4") for _, b in rows]) if rows else None
            cached = (generation, ids, matrix)
            self._matrices[language, kind] = cached
        return cached[1], cached[2]
