"""What worked on code like this: lexical and dense search over one memory, fused by rank.

Keys are the texts of a record, queries those that are known of a slow function. Which of them are
compared with which, and what each counts, is data (index/fusion.py).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.progress import Progress, silent
from hasten.paths import data_dir
from index.chroma import ChromaFailed
from index.corpus.load import SHIPPED, load_corpus
from index.dense import Dense
from index.derived import fill_facts
from index.embedding import Embedder, embedder_of
from index.errors import EmbeddingError, StoreError
from index.fusion import (
    CHOICE,
    EMBEDDED,
    RRF,
    WEIGHTS,
    Opinion,
    Source,
    diverse,
    fuse,
    places_of,
)
from index.lexical import Ranking
from index.query import Query
from index.record import Head, Hit, Kind, Passage
from index.sparse import Sparse
from index.store import Memory
from index.vectors import NOTES

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

_LEAST = 40  # neighbours per ranking before filtering
_READABLE = ("memory-unwritable", "memory-busy")
"""Codes of errors of a memory that only can't be written: on a full disk it is still searched."""


@dataclass(frozen=True)
class Explained:
    """A hit with its place in each ranking (1 is best), what moved it and why."""

    hit: Hit
    places: tuple[tuple[str, int], ...]
    weight: float
    why: str


@dataclass(frozen=True)
class Found:
    """The answer to a query: the hits, and those left out because they do not apply here."""

    hits: tuple[Explained, ...]
    excluded: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Stats:
    """What the memory holds and what searches it."""

    path: str
    records: int
    by_language: tuple[tuple[str, int], ...]
    by_polarity: tuple[tuple[str, int], ...]
    proved: int
    accepted: int
    refused: int
    notes_read: int
    passages: int
    vectors: int
    embedder: str
    chroma: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Checked:
    """The result of `Index.verify`: `problems` is empty when all is well."""

    ok: bool
    problems: tuple[str, ...]
    mend: str


class Index:
    """Searches a memory. Nothing heavy is imported, opened or embedded before the first search.

    `chroma_folder` defaults to ``chroma`` beside the memory. `embedder` defaults to the best one on
    this machine. `corpus` are the shipped files to load, None for none, `kinds` the texts that are
    embedded. Without `vectors` it searches by words alone and imports neither Chroma nor a model.
    An embedder that failed is not asked again for a minute, by the seconds of `clock`.
    `notes` say what a person should know (index built anew, searched exactly, memory damaged).
    Safe from several threads.
    """

    def __init__(
        self,
        memory: Memory,
        chroma_folder: Path | None = None,
        embedder: Embedder | None = None,
        *,
        corpus: Sequence[Path] | None = SHIPPED,
        kinds: tuple[Kind, ...] = EMBEDDED,
        vectors: bool = True,
        progress: Progress = silent,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._memory = memory
        self._folder = chroma_folder or memory.path.parent / "chroma"
        self._chosen = embedder
        self._kinds, self._vectors = kinds, vectors
        self._corpus = corpus
        self._progress, self._clock = progress, clock
        self._loaded = False
        self._dense: Dense | None = None
        self._sparse = Sparse(memory, self._folder.with_name("words"))
        self._derived = -1
        self._notes: list[str] = list(memory.notes)
        self._lock = threading.RLock()

    def __enter__(self) -> Index:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of Chroma and its lock; the memory stays open."""
        with self._lock:
            if self._dense is not None:
                self._keep_notes(self._dense)
                self._dense.close()
                self._dense = None

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know about the searches so far."""
        return (*self._notes, *(self._dense.notes if self._dense else ()))

    def search(self, query: Query, k: int) -> tuple[Hit, ...]:
        """The `k` records that fit best, best first; no two of one program.

        Falls back to words alone, with a note, when the embedder fails or the disk is full. Raises
        Cancelled through `progress`.
        """
        return tuple(row.hit for row in self.explain(query, k).hits)

    def explain(self, query: Query, k: int) -> Found:
        """As `search`, with the rankings behind each hit and what was left out."""
        with self._lock:
            if k <= 0:
                return Found((), ())
            rankings = self.rankings(query, max(_LEAST, CHOICE * k))
            skip = query.program.split("#", 1)[0]
            excluded: dict[str, str] = {}

            def fitting(ids: Sequence[str]) -> dict[str, Head]:
                heads = self._memory.heads(ids)
                for item, head in list(heads.items()):
                    if why := query.here.lacks(head):
                        excluded[head.title] = why
                    if why or head.program == skip:
                        del heads[item]
                return heads

            mine = f"workspace:{query.workspace}:"
            opinion = Opinion(
                self._memory.titles(mine, "accepted"), self._memory.titles(mine, "rejected")
            )
            rows = fuse(rankings, fitting, self._weights(), opinion, CHOICE * k)
            taken = diverse(rows, k)
            records = self._memory.some(row.head.id for row in taken)
            places = places_of(rankings, records)
            hits = (
                Explained(Hit(record, row.score), places[record.id], row.weight, row.why)
                for row in taken
                if (record := records.get(row.head.id)) is not None
            )
            return Found(tuple(hits), tuple(excluded.items()))

    def rankings(
        self, query: Query, n: int, sources: Sequence[Source] = tuple(WEIGHTS)
    ) -> dict[Source, Ranking]:
        """The `n` best of each of `sources` that the query has a text for."""
        with self._lock:
            generation = self._ready()
            found: dict[Source, Ranking] = {}
            wanted = [source for source in sources if source.query in query.asked]
            by_vectors = [source for source in wanted if source.by == "vectors"]
            nearest = self._by_vectors(query, n, by_vectors)  # beside the words
            for source in wanted:
                if source.by == "words":
                    text = query.asked[source.query]
                    found[source] = self._sparse.search(
                        query.language, source.key, text, n, generation, self._progress
                    )
            return {**found, **nearest()}

    def passages(self, query: Query, k: int) -> tuple[Passage, ...]:
        """The `k` passages of research notes that fit a query best, by words and by vectors."""
        with self._lock:
            generation = self._ready()
            texts = (query.facts, query.hint, query.purpose)
            text = " ".join(text for text in texts if text)
            if k <= 0 or not text or not self._memory.counts()["passages"]:
                return ()
            n = max(_LEAST, 4 * k)
            scores: dict[str, float] = {}
            words = self._sparse.search(NOTES, NOTES, text, n, generation, self._progress)
            rankings = [(1.0, words)]
            if self._vectors:
                rankings += self._passages_by_vectors(text, n)
            for weight, ranking in rankings:
                for place, ids in enumerate(ranking, 1):
                    for item in ids:
                        scores[item] = scores.get(item, 0.0) + weight / (RRF + place)
            best = sorted(scores, key=lambda item: (-scores[item], item))[:k]
            found = self._memory.passages(best)
            return tuple(found[item] for item in best if item in found)

    def _passages_by_vectors(self, text: str, n: int) -> list[tuple[float, Ranking]]:
        vectors = self._embedded([text])
        if vectors is None:
            return []
        wanted = [(NOTES, vectors[0])]
        (found,) = self._opened().nearest(NOTES, wanted, n, self._progress)()
        return [(self._embedder().trust, found)]

    def _say(self, note: str) -> None:
        if note not in self._notes:
            self._notes.append(note)

    # -- care

    def stats(self) -> Stats:
        """Counts and names, without opening Chroma or a model where nothing was searched yet."""
        with self._lock:
            self._load_corpus()
            counts = self._memory.counts()
            chroma = "not opened yet"
            if self._dense is not None:
                owned = self._dense.owned(self._progress)
                chroma = f"{sum(owned.counts.values())} vectors" if owned else "exact search"
            return Stats(
                path=str(self._memory.path),
                records=counts["records"],
                by_language=self._memory.tally("language"),
                by_polarity=self._memory.tally("polarity"),
                proved=self._memory.proved(),
                accepted=counts["accepted"],
                refused=counts["refusals"],
                notes_read=counts["notes"],
                passages=counts["passages"],
                vectors=counts["vectors"],
                embedder=self._embedder().name,
                chroma=chroma,
                notes=self.notes,
            )

    def verify(self) -> Checked:
        """Check the memory's file, the embedder (what it has yet to embed is done) and Chroma."""
        with self._lock:
            self._ready()
            problems = []
            if damage := self._memory.damage():
                problems.append(f"{self._memory.path}: {damage}")
            dense = self._opened()
            dense.try_again()
            try:
                dense.embed_missing(self._progress, whole=True)
            except EmbeddingError as error:
                problems.append(error.message)
            if wrong := dense.wrong():
                problems.append(wrong)
            chroma = dense.loaded(self._progress)
            if dense.unusable:
                problems.append(f"Chroma can't be used: {dense.unusable}")
            if chroma is not None and (wrong := chroma.check()):
                problems.append(f"Chroma: {wrong}")
            if chroma is not None and not chroma.intact():
                problems.append("Chroma: its files were damaged on the disk")
            mend = "hasten index rebuild" * bool(problems)
            if not self._sparse.intact():
                self._sparse.drop()
                problems.append(
                    "the word indexes: their files were damaged on the disk; they were deleted, "
                    "searches build them anew"
                )
            return Checked(not problems, tuple(problems), mend)

    def embed(self, progress: Progress = silent) -> int:
        """Make the vectors that the chosen embedder lacks, and the index; how many there were.

        Raises EmbeddingError, Cancelled.
        """
        with self._lock:
            self._ready()
            dense = self._opened()
            dense.try_again()
            made = dense.embed_missing(progress, whole=True)
            dense.loaded(progress)
            return made

    def rebuild(self, progress: Progress = silent) -> None:
        """Make all vectors anew, then forget those of other embedders, and build Chroma from them.

        Where the embedder fails, the vectors that there were stay. Raises EmbeddingError,
        StoreError (another process owns the index), Cancelled.
        """
        with self._lock:
            self._ready()
            dense = self._opened()
            dense.try_again()
            if not dense.claim():
                raise StoreError(
                    f"{self._folder}: another process uses the index, or it can't be written",
                    code="index-busy",
                    mend="close the editors that use hasten, then try again",
                )
            dense.embed_again(progress)
            self._memory.compact()
            self._sparse.drop()
            dense.embed_missing(progress)  # of what was mended
            try:
                dense.rebuild(progress)
            except ChromaFailed as error:
                raise StoreError(
                    f"{self._folder}: Chroma can't be built: {error}",
                    code="index-failed",
                    mend="check the disk; searches work without it, exactly and more slowly",
                ) from error

    # -- inside

    def _embedder(self) -> Embedder:
        if self._chosen is None:
            self._chosen = embedder_of(self._memory)
        return self._chosen

    def _opened(self) -> Dense:
        if self._dense is None:
            self._dense = Dense(
                self._memory, self._folder, self._embedder(), self._kinds, self._clock
            )
        return self._dense

    def _keep_notes(self, dense: Dense) -> None:
        self._notes += dense.notes
        dense.notes.clear()

    def _load_corpus(self) -> None:
        if self._corpus is not None and not self._loaded:
            load_corpus(self._memory, self._corpus)
            self._loaded = True

    def _ready(self) -> int:
        """The corpus is in the memory, and every record has the facts of today's vocabulary; the
        generation of what is searched.

        On a full disk what is there is searched as it is, with a note.
        """
        try:
            self._load_corpus()
            # Before it is filled: what another process adds meanwhile is not filled yet.
            generation = self._memory.generation()
            if generation == self._derived:
                return generation
            fill_facts(self._memory, self._progress)
            self._derived = generation
        except StoreError as error:
            self._go_on_without(error, "what is new is not searched in full")
        return self._memory.generation()

    def _embedded(self, texts: list[str]) -> NDArray[float32] | None:
        """Vectors of queries; None, with a note, where only words can be searched."""
        only_words = "searched by words alone"
        try:
            return self._opened().embed(texts, self._progress)
        except EmbeddingError as error:
            self._say(f"{only_words}: {error.message}")
        except StoreError as error:
            self._go_on_without(error, only_words)
        return None

    def _go_on_without(self, error: StoreError, what: str) -> None:
        """Note that something could not be kept; an error of another kind is raised again."""
        if error.code not in _READABLE:
            raise error
        self._say(f"{what}: {error.message}")

    def _weights(self) -> Mapping[Source, float]:
        if not self._vectors:
            return WEIGHTS
        trust = self._embedder().trust
        return {s: w * trust if s.by == "vectors" else w for s, w in WEIGHTS.items()}

    def _by_vectors(
        self, query: Query, n: int, sources: Sequence[Source]
    ) -> Callable[[], dict[Source, Ranking]]:
        """Rankings by vectors, which are looked for until what this returns is called."""
        if not sources or not self._vectors:
            return dict
        names = list(dict.fromkeys(source.query for source in sources))
        rows = self._embedded([query.asked[name] for name in names])
        if rows is None:
            return dict
        vectors = dict(zip(names, rows, strict=True))
        wanted = [(source.key, vectors[source.query]) for source in sources]
        nearest = self._opened().nearest(query.language, wanted, n, self._progress)
        return lambda: dict(zip(sources, nearest(), strict=True))


def open_index(
    path: Path | None = None, embedder: Embedder | None = None, *, progress: Progress = silent
) -> Index:
    """The user's memory with its index; closing the index leaves the memory open."""
    return Index(Memory(path or data_dir() / "memory.db"), embedder=embedder, progress=progress)
