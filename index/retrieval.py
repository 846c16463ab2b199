"""What worked on code like this: dense and lexical search over one memory, fused by rank.

Keys are the two texts of a record, what was slow and what was changed. Queries are the static facts
of a function, plus a hint where there is one. Each gives a ranking per key; they are fused by
reciprocal rank (Cormack, Clarke and Büttcher 2009), since their scores can't be compared.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

from analysis.progress import Progress, silent
from hasten.paths import data_dir
from index import jsonl
from index.chroma import ChromaFailed
from index.corpus.load import CORPUS, SHIPPED, load_corpus
from index.dense import Dense, Ranking
from index.embedding import Embedder, choose_embedder
from index.errors import EmbeddingError, StoreError
from index.record import KINDS, Hit, Record, record_id
from index.store import Memory
from index.words import words

_RRF = 20  # the paper's 60 suits thousands of records; with some dozens it flattens the ranks
_LEAST = 40  # neighbours per ranking before filtering
_ACCEPTED = 1.3
_REFUSED = 0.5
_IMPORTED = "import"
_VECTORS = ", vectors"


@dataclass(frozen=True)
class Explained:
    """A hit with its place in each ranking (1 is best) and what moved it."""

    hit: Hit
    places: tuple[tuple[str, int], ...]
    weight: float


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
    this machine. `corpus` is the shipped file to load, None for none. `notes` say what a person
    should know (index built anew, searched exactly, memory damaged). Safe from several threads.
    """

    def __init__(
        self,
        memory: Memory,
        chroma_folder: Path | None = None,
        embedder: Embedder | None = None,
        *,
        corpus: Path | None = SHIPPED,
        progress: Progress = silent,
    ) -> None:
        self._memory = memory
        self._folder = chroma_folder or memory.path.parent / "chroma"
        self._chosen = embedder
        self._corpus = corpus
        self._progress = progress
        self._loaded = False
        self._dense: Dense | None = None
        self._lexical: dict[str, tuple[int, tuple[str, ...], Any]] = {}
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

    def search(
        self,
        text: str,
        k: int,
        language: str = "python",
        *,
        hint: str = "",
        program: str = "",
        workspace: str = "",
    ) -> tuple[Hit, ...]:
        """The `k` records that fit best, best first.

        `text` are the static facts of the slow function, `hint` a sentence on its bottleneck.
        Records of `program` (a provenance) are left out: they are the same code, not evidence.
        What was accepted in `workspace` (its key) ranks higher, what was rejected lower. Falls back
        to BM25 alone, with a note, when the embedder fails. Raises Cancelled through `progress`.
        """
        found = self.explain(text, k, language, hint=hint, program=program, workspace=workspace)
        return tuple(row.hit for row in found)

    def explain(
        self,
        text: str,
        k: int,
        language: str = "python",
        *,
        hint: str = "",
        program: str = "",
        workspace: str = "",
    ) -> tuple[Explained, ...]:
        """As `search`, with the rankings behind each hit."""
        with self._lock:
            self._load_corpus()
            if k <= 0:
                return ()
            queries = {"facts": text, "hint": hint}
            asked = {name: query for name, query in queries.items() if query.strip()}
            n = max(_LEAST, 4 * k)
            rankings = dict(self._lexical_rankings(asked, language, n))
            rankings.update(self._dense_rankings(asked, language, n))
            records = self._memory.some({i for r in rankings.values() for ids in r for i in ids})
            liked = self._memory.titles(f"workspace:{workspace}:", "accepted")
            refused = self._memory.titles(f"workspace:{workspace}:", "rejected")
            rows = _fuse(rankings, records, self._embedder().trust, liked, refused)
            skip = program.split("#", 1)[0]
            return tuple(_diverse((r for r in rows if r.hit.record.program != skip), k))

    # -- care

    def stats(self) -> Stats:
        """Counts and names, without opening Chroma or a model that is not open yet."""
        with self._lock:
            self._load_corpus()
            records, counts = self._memory.all(), self._memory.counts()
            chroma = "not opened yet"
            if self._dense is not None:
                owned = self._dense.owned(self._progress)
                chroma = f"{sum(owned.counts.values())} vectors" if owned else "exact search"
            return Stats(
                path=str(self._memory.path),
                records=counts["records"],
                by_language=_tally(record.language for record in records),
                by_polarity=_tally(record.polarity for record in records),
                proved=sum(record.receipt is not None for record in records),
                accepted=counts["accepted"],
                refused=counts["refusals"],
                vectors=counts["vectors"],
                embedder=self._embedder().name,
                chroma=chroma,
                notes=self.notes,
            )

    def verify(self) -> Checked:
        """Check the memory's file, the embedder (what it has yet to embed is done) and Chroma."""
        with self._lock:
            self._load_corpus()
            problems = []
            if damage := self._memory.damage():
                problems.append(f"{self._memory.path}: {damage}")
            dense = self._opened()
            try:
                dense.embed_missing(self._progress)
            except EmbeddingError as error:
                problems.append(error.message)
            chroma = dense.owned(self._progress)
            if chroma is not None and (wrong := chroma.check()):
                problems.append(f"Chroma: {wrong}")
            return Checked(not problems, tuple(problems), "hasten index rebuild" * bool(problems))

    def rebuild(self, progress: Progress = silent) -> None:
        """Make all vectors anew, forget those of other embedders, and build Chroma from them.

        Raises EmbeddingError, StoreError (another process owns the index), Cancelled.
        """
        with self._lock:
            self._load_corpus()
            dense = self._opened()
            if dense.owned(progress) is None:
                raise StoreError(
                    f"{self._folder}: another process uses the index, or it can't be written",
                    code="index-busy",
                    mend="close the editors that use hasten, then try again",
                )
            self._memory.drop_vectors()
            dense.embed_missing(progress)
            try:
                dense.rebuild(progress)
            except ChromaFailed as error:
                raise StoreError(
                    f"{self._folder}: Chroma can't be built: {error}",
                    code="index-failed",
                    mend="check the disk; searches work without it, exactly and more slowly",
                ) from error

    def export(self, path: Path) -> int:
        """Write what was learnt here (not the shipped corpus) as JSON lines; returns how many.

        The file holds source code of the workspaces; sharing it is the user's decision.
        """
        with self._lock:
            own = (r for r in self._memory.all() if not r.provenance.startswith(f"{CORPUS}:"))
            return jsonl.write(path, own)

    def import_(self, path: Path) -> int:
        """Add the records of an exported file, all or none; returns how many.

        Their provenance says that they were imported: what others accepted does not count as
        accepted here. Raises ExchangeError.
        """
        with self._lock:
            return self._memory.add_all([_imported(record) for record in jsonl.read(path)])

    # -- inside

    def _embedder(self) -> Embedder:
        if self._chosen is None:
            self._chosen = choose_embedder()
        return self._chosen

    def _opened(self) -> Dense:
        if self._dense is None:
            self._dense = Dense(self._memory, self._folder, self._embedder())
        return self._dense

    def _keep_notes(self, dense: Dense) -> None:
        self._notes += dense.notes
        dense.notes.clear()

    def _load_corpus(self) -> None:
        if self._corpus is not None and not self._loaded:
            load_corpus(self._memory, self._corpus)
            self._loaded = True

    def _dense_rankings(
        self, asked: Mapping[str, str], language: str, n: int
    ) -> Iterator[tuple[str, Ranking]]:
        if not asked:
            return
        dense = self._opened()
        try:
            vectors = dense.embed(list(asked.values()), self._progress)
        except EmbeddingError as error:
            note = f"searched by words alone: {error.message}"
            if note not in self._notes:
                self._notes.append(note)
            return
        for name, vector in zip(asked, vectors, strict=True):
            for kind in KINDS:
                yield (
                    f"{name}, {kind}{_VECTORS}",
                    dense.nearest(language, kind, vector, n, self._progress),
                )

    def _lexical_rankings(
        self, asked: Mapping[str, str], language: str, n: int
    ) -> Iterator[tuple[str, Ranking]]:
        import numpy as np

        ids, model = self._bm25(language)
        for name, query in asked.items():
            tokens = words(query)
            if tokens and model is not None:
                scores = model.get_scores(tokens)
                order = [int(i) for i in np.argsort(-scores, kind="stable")[:n] if scores[i] > 0]
                equal = groupby(order, key=lambda i: float(scores[i]))
                yield f"{name}, words", tuple(tuple(ids[i] for i in group) for _, group in equal)

    def _bm25(self, language: str) -> tuple[tuple[str, ...], Any]:
        """BM25 over both texts of each record, built again when the memory changed."""
        generation = self._memory.generation()
        cached = self._lexical.get(language)
        if cached is None or cached[0] != generation:
            import bm25s

            records = self._memory.all(language)
            texts = [words(f"{r.title}. {r.edit} {r.bottleneck}") for r in records]
            model = None
            if any(texts):
                model = bm25s.BM25()
                model.index(texts, show_progress=False)
            cached = (generation, tuple(record.id for record in records), model)
            self._lexical[language] = cached
        return cached[1], cached[2]


def open_index(
    path: Path | None = None, embedder: Embedder | None = None, *, progress: Progress = silent
) -> Index:
    """The user's memory with its index; closing the index leaves the memory open."""
    return Index(Memory(path or data_dir() / "memory.db"), embedder=embedder, progress=progress)


def _fuse(
    rankings: Mapping[str, Ranking],
    records: Mapping[str, Record],
    trust: float,
    liked: frozenset[str],
    refused: frozenset[str],
) -> list[Explained]:
    """Reciprocal rank fusion, times each record's weight; best first, ties by id.

    `trust` is what a place by vectors counts, where one by BM25 counts 1.
    """
    places: dict[str, list[tuple[str, int]]] = {}
    for name, ranking in rankings.items():
        for place, ids in enumerate(ranking, 1):
            for record in ids:
                if record in records:
                    places.setdefault(record, []).append((name, place))
    rows = []
    for record, found in places.items():
        weight = _weight(records[record], liked, refused)
        score = weight * sum(
            (trust if name.endswith(_VECTORS) else 1.0) / (_RRF + place) for name, place in found
        )
        rows.append(Explained(Hit(records[record], score), tuple(found), weight))
    return sorted(rows, key=lambda row: (-row.hit.score, row.hit.record.id))


def _weight(record: Record, liked: frozenset[str], refused: frozenset[str]) -> float:
    """What the user of a workspace thought of an edit moves every record with its title."""
    title = record.title.casefold()
    if record.polarity in ("failed", "rejected") or title in refused - liked:
        return _REFUSED
    return _ACCEPTED if title in liked else 1.0


def _diverse(rows: Iterable[Explained], k: int) -> list[Explained]:
    """The best `k`, one for each program and each title first; the rest only fills up."""
    taken: list[Explained] = []
    repeated: list[Explained] = []
    programs: set[str] = set()
    titles: set[str] = set()
    for row in rows:
        record = row.hit.record
        if record.program in programs:
            continue
        if record.title.casefold() in titles:
            repeated.append(row)
            continue
        programs.add(record.program)
        titles.add(record.title.casefold())
        taken.append(row)
        if len(taken) == k:
            return taken
    for row in repeated:
        if len(taken) < k and row.hit.record.program not in programs:
            programs.add(row.hit.record.program)
            taken.append(row)
    return taken


def _tally(values: Iterable[str]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(Counter(values).items()))


def _imported(record: Record) -> Record:
    source = record.provenance.removeprefix(f"{_IMPORTED}:")
    source = f"{_IMPORTED}:{source}"
    texts = (record.language, record.slow, record.fast, record.bottleneck, record.edit)
    return replace(record, provenance=source, id=record_id(*texts, source))
