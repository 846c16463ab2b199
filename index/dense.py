"""Nearest neighbours by vector: through Chroma for its owner, exactly over SQLite for the rest."""

from __future__ import annotations

import time
from bisect import bisect
from collections.abc import Callable, Sequence
from concurrent import futures
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.progress import Progress
from index.chroma import Chroma, ChromaFailed
from index.embedding import Embedder
from index.errors import EmbeddingError
from index.lexical import Ranking
from index.record import KINDS, Kind
from index.store import Memory
from index.vectors import Changes, Complete, Text, Vectors
from index.words import valid

if TYPE_CHECKING:
    from typing import TypeAlias

    from numpy import float32
    from numpy.typing import NDArray

    _Rows: TypeAlias = tuple[tuple[str, ...], NDArray[float32] | None]
    """Digests and their vectors, one row each."""
    Wanted: TypeAlias = tuple[str, NDArray[float32]]
    """A kind and a vector that the nearest of that kind are wanted of."""
    _Answer: TypeAlias = list[tuple[str, ...] | None]
    """Digests for each that is wanted; None where they are to be searched exactly."""

_BATCH = 64
_SHARERS = 10  # records of one text that are looked at: rules describe many edits with one text
_PATIENCE_S = 60.0
"""How long an embedder that failed is not asked again: one that hangs costs its timeout each time,
and all searches wait for that."""


class Dense:
    """Vectors of one embedder over one memory. Not safe to use from several threads at once.

    `notes` collect what went wrong and what was done about it. `clock` gives seconds.
    """

    def __init__(
        self,
        memory: Memory,
        folder: Path,
        embedder: Embedder,
        kinds: tuple[Kind, ...] = KINDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.notes: list[str] = []
        self.unusable = ""
        """Why Chroma is done without; "" where it is not."""
        self._memory = memory
        self._embedder, self._kinds = embedder, kinds
        self._clock = clock
        self._failure: tuple[float, EmbeddingError] | None = None
        self._vectors = Vectors(memory, embedder.identity)
        self._folder = folder
        self._beside = futures.ThreadPoolExecutor(1, "hasten-chroma")
        self._asked: futures.Future[_Answer] | None = None
        self._chroma: Chroma | None = self._new_chroma()
        self._embedded = -1
        self._length = 0
        self._complete: Complete | None = None
        self._dropped = memory.gone_before()
        self._matrices: dict[tuple[str, str, int], tuple[int, _Rows]] = {}

    def close(self) -> None:
        """Let go of Chroma and its lock."""
        self._beside.shutdown()
        if self._chroma is not None:
            self._chroma.close()

    def embed_missing(self, progress: Progress, *, whole: bool = False) -> int:
        """Make the vectors that are missing, keeping each batch; returns how many.

        An interrupted run goes on where it stopped; with `whole` what an earlier session said is
        not believed. An endpoint can change what stands behind a name: where it gives vectors of
        another length, all are made anew. Raises EmbeddingError, Cancelled (from `progress`).
        """
        generation = self._memory.generation()
        if generation == self._embedded and not whole:
            return 0
        self._recall(whole)
        missing = self._vectors.missing(self._embedded, self._kinds)
        made = self._make(missing, progress)
        self._embedded = generation
        if made and self._length:
            self._keep_complete()
        return made

    def _recall(self, whole: bool) -> None:
        """Where to go on: where this session or an earlier one was, or at the beginning."""
        if self._dropped != (dropped := self._memory.gone_before()):
            self._dropped, self._length, self._complete = dropped, 0, None
        if whole:
            self._embedded, self._complete = -1, None
        elif self._embedded < 0:
            found = self._vectors.complete()
            if found is not None and set(self._kinds) <= set(found.kinds):
                self._complete, self._embedded = found, found.revision

    def _keep_complete(self) -> None:
        """Say to later sessions what they need not look at, if it is true."""
        size, looked = 4 * self._length, self._memory.generation()
        if self._vectors.has_other_sizes(size, self._looked(size)):
            self._length = 0  # the next query has them made anew
            return
        self._complete = Complete(self._embedded, self._kinds, size, looked)
        self._vectors.keep_complete(self._complete)

    def _looked(self, size: int) -> int:
        """Up to where all vectors are known to have a size."""
        return self._complete.looked if self._complete and self._complete.size == size else -1

    def embed_again(self, progress: Progress) -> int:
        """Make all vectors anew, then forget the former ones and those of other embedders.

        Where the embedder fails none is lost. Raises EmbeddingError, Cancelled.
        """
        before = self._memory.generation()
        every = self._vectors.missing(kinds=self._kinds, had=True)
        if every:
            self._length = self._ask([every[0].text]).shape[1]
        try:
            self._make(every, progress, anew=True)
        except BaseException:
            self._length = 0  # some are new, some are not
            raise
        self._vectors.drop_but(before)
        self._embedded = -1
        self._matrices.clear()
        return len(every)

    def embed(self, texts: list[str], progress: Progress) -> NDArray[float32]:
        """Vectors of queries, after those of the records; both have the same length.

        Raises EmbeddingError, at once for a minute after the embedder failed.
        """
        self.embed_missing(progress)
        queries = self._ask(texts)
        if self._is_other(queries.shape[1]):
            self._make_anew(queries.shape[1], progress)
        elif self._complete is None:
            self._keep_complete()
        return queries

    def try_again(self) -> None:
        """Ask the embedder also where it has just failed."""
        self._failure = None

    def wrong(self) -> str | None:
        """What is wrong with the vectors that there are, or None; reads all of them."""
        sizes = self._vectors.sizes()
        if len(sizes) > 1 or (sizes and self._length and sizes != (4 * self._length,)):
            return f"{self._embedder.name}: there are vectors of different lengths"
        return None

    def _make(self, missing: Sequence[Text], progress: Progress, *, anew: bool = False) -> int:
        # Many records share their facts, and one rule describes many edits with one text.
        holders: dict[str, list[Text]] = {}
        for text in missing:
            holders.setdefault(text.text, []).append(text)
        texts = list(holders)
        for start in range(0, len(texts), _BATCH):
            progress(f"embedding with {self._embedder.name}", start / len(texts))
            batch = texts[start : start + _BATCH]
            rows = self._ask(batch).astype("<f4")
            if self._is_other(rows.shape[1]):
                if not anew and not start:
                    return self._make_anew(rows.shape[1], progress)
                raise self._mixed()
            self._vectors.put(
                (holder, row.tobytes())
                for text, row in zip(batch, rows, strict=True)
                for holder in holders[text]
            )
        return len(missing)

    def _make_anew(self, length: int, progress: Progress) -> int:
        self.notes.append(f"{self._embedder.name} gives vectors of another length: made anew")
        self._vectors.drop(own=True, others=False)
        self._matrices.clear()
        self._length, self._embedded = length, -1
        made = self._make(self._vectors.missing(kinds=self._kinds), progress, anew=True)
        self.drop_index()
        return made

    def _is_other(self, length: int) -> bool:
        """Whether vectors of this length differ from those that there are."""
        size = length * 4
        if not self._length and not self._vectors.has_other_sizes(size, self._looked(size)):
            self._length = length
        return length != self._length

    def _mixed(self) -> EmbeddingError:
        return EmbeddingError(
            f"{self._embedder.name}: vectors of different lengths",
            code="embedding-failed",
            mend="check the embedding model and its address",
        )

    def _ask(self, texts: list[str]) -> NDArray[float32]:
        """Vectors of texts; one that has just failed is not asked. Raises EmbeddingError."""
        if self._failure is not None:
            until, error = self._failure
            if self._clock() < until:
                raise EmbeddingError(error.message, code=error.code, mend=error.mend)
            self._failure = None
        try:
            return self._embedder.embed([valid(text) for text in texts])
        except EmbeddingError as error:
            self._failure = (self._clock() + _PATIENCE_S, error)
            raise

    # -- the index

    def drop_index(self) -> None:
        """Forget the open index; the next search opens and checks it again."""
        self._wait()
        if self._chroma is not None:
            self._chroma.close()
        self._chroma, self.unusable = self._new_chroma(), ""

    def _new_chroma(self) -> Chroma:
        return Chroma(self._folder, self._memory, self._embedder.identity)

    def nearest(
        self, language: str, wanted: Sequence[Wanted], n: int, progress: Progress
    ) -> Callable[[], list[Ranking]]:
        """For each kind and vector the nearest records, nearest first; those with equal vectors
        share a place.

        Chroma lets go of Python's lock, so it is asked beside what the caller does until it calls
        what this returns.
        """
        chroma = self.owned(progress)
        for kind, _ in wanted:
            chroma = chroma and self._loaded(chroma, progress, (language, kind))

        def ask() -> _Answer:
            assert chroma is not None
            return [chroma.query(language, kind, vector, n) for kind, vector in wanted]

        asked = None if chroma is None else self._submit(ask)
        self._asked = asked

        def answer() -> list[Ranking]:
            found: _Answer = [None] * len(wanted)
            try:
                found = asked.result() if asked is not None else found
            except ChromaFailed as error:
                found = self._once_more(error, ask, progress) or found
            return [
                self._exact(language, kind, vector, n)
                if digests is None
                else self._holders(language, kind, digests)
                for (kind, vector), digests in zip(wanted, found, strict=True)
            ]

        return answer

    def _submit(self, ask: Callable[[], _Answer]) -> futures.Future[_Answer]:
        """Ask in the other thread; at once where the process ends and there is none any more."""
        try:
            return self._beside.submit(ask)
        except RuntimeError:
            asked: futures.Future[_Answer] = futures.Future()
            try:
                asked.set_result(ask())
            except ChromaFailed as error:
                asked.set_exception(error)
            return asked

    def _once_more(
        self, error: ChromaFailed, ask: Callable[[], _Answer], progress: Progress
    ) -> _Answer | None:
        """What Chroma answers after it was built anew; None where it still fails."""
        self.notes.append(f"the Chroma index failed ({error}) and was built anew")
        try:
            if self._chroma is not None:
                self._chroma.rebuild(progress)
            return ask()
        except ChromaFailed as again:
            self._give_up(again)
            return None

    def owned(self, progress: Progress) -> Chroma | None:
        """The open index if this process owns it (or can get it now), else None.

        Its collections are checked as they are searched; `loaded` checks all of them.
        """
        self._wait()
        chroma = self._chroma
        if chroma is None or not chroma.acquire():
            return None
        if not chroma.is_open:
            try:
                self._built_anew(chroma.open(progress))
            except (ChromaFailed, OSError) as error:
                self._give_up(error)
                return None
        return chroma

    def loaded(self, progress: Progress) -> Chroma | None:
        """As `owned`, with all that it holds checked and up to date."""
        chroma = self.owned(progress)
        return chroma and self._loaded(chroma, progress)

    def _loaded(
        self, chroma: Chroma, progress: Progress, pair: tuple[str, str] | None = None
    ) -> Chroma | None:
        try:
            self._built_anew(chroma.load(progress, pair))
        except (ChromaFailed, OSError) as error:
            self._give_up(error)
            return None
        return chroma

    def _built_anew(self, why: str | None) -> None:
        if why is not None:
            self.notes.append(f"the Chroma index was built anew: {why}")

    def _wait(self) -> None:
        """Until nobody asks Chroma any more: whoever was cancelled has not waited for an answer."""
        if self._asked is not None and not self._asked.done():
            futures.wait([self._asked])

    def claim(self) -> bool:
        """Become the owner of the index, also where Chroma could not be used so far; False while
        another process is."""
        self._wait()
        if self._chroma is None:
            self._chroma, self.unusable = self._new_chroma(), ""
        return self._chroma.acquire()

    def rebuild(self, progress: Progress) -> bool:
        """Build the Chroma index anew; False if another process owns it. Raises ChromaFailed."""
        self._wait()
        if self._chroma is None or not self._chroma.acquire():
            return False
        self._chroma.rebuild(progress)
        return True

    def _give_up(self, error: Exception) -> None:
        self.unusable = str(error)
        self.notes.append(f"Chroma can't be used, searching exactly instead: {error}")
        if self._chroma is not None:
            self._chroma.close()
            self._chroma = None

    def _exact(self, language: str, kind: str, vector: NDArray[float32], n: int) -> Ranking:
        import numpy as np

        ids, matrix = self._matrix(language, kind, len(vector))
        if matrix is None:
            return ()
        order = np.argsort(-(matrix @ vector), kind="stable")[:n]
        return self._holders(language, kind, [ids[int(i)] for i in order])

    def _holders(self, language: str, kind: str, digests: Sequence[str]) -> Ranking:
        return self._vectors.holders(kind, language, digests, _SHARERS)

    def _matrix(self, language: str, kind: str, length: int) -> _Rows:
        """The digests and vectors of that length, ordered by digest."""
        generation = self._memory.generation()
        seen, known = self._matrices.get((language, kind, length), (-1, ((), None)))
        if seen != generation:
            changes = self._vectors.changes(kind, language, seen)
            if seen < 0 or changes.whole or known[1] is None:
                digests = self._vectors.digests(kind, language)
                known = self._read(language, kind, digests, length)
            else:
                known = self._changed(known, changes, language, kind, length)
            self._matrices[language, kind, length] = generation, known
        return known

    def _changed(
        self, known: _Rows, changes: Changes, language: str, kind: str, length: int
    ) -> _Rows:
        """Rows without those that went, and with those that came in their places."""
        import numpy as np

        ids, matrix = known
        assert matrix is not None
        gone = set(changes.gone).intersection(ids)
        if gone:
            keep = [place for place, digest in enumerate(ids) if digest not in gone]
            ids, matrix = tuple(ids[place] for place in keep), matrix[keep]
        new = set(changes.new).difference(ids)
        more, rows = self._read(language, kind, sorted(new), length)
        if rows is not None:
            places = [bisect(ids, digest) for digest in more]
            ids, matrix = tuple(sorted((*ids, *more))), np.insert(matrix, places, rows, axis=0)
        return ids, matrix

    def _read(self, language: str, kind: str, digests: Sequence[str], length: int) -> _Rows:
        import numpy as np

        found = self._vectors.some(kind, language, digests) if digests else ()
        rows = [(digest, blob) for digest, blob in found if len(blob) == 4 * length]
        matrix = np.stack([np.frombuffer(b, dtype="<f4") for _, b in rows]) if rows else None
        return tuple(digest for digest, _ in rows), matrix
