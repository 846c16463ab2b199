"""What is asked of the vectors' table, what is read again after a write, and damaged rows."""

from __future__ import annotations

import contextlib
import functools
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.progress import silent
from index import mended
from index.dense import Dense
from index.embedding import FactsEmbedder
from index.opening import PATIENCE_S
from index.query import Query
from index.record import Kind
from index.retrieval import Index
from index.store import Memory
from index.vectors import NOTES, Complete, Vectors
from tests.index.conftest import ask, make_record

EMBEDDER = FactsEmbedder.identity


def embedded(memory: Memory, count: int) -> Dense:
    """The vectors of some records, searched exactly."""
    memory.add_all(make_record(n) for n in range(count))
    dense = Dense(memory, memory.path.parent / "chroma", FactsEmbedder(), ("edit",))
    dense.embed_missing(silent)
    return dense


def plan(memory: Memory, monkeypatch: pytest.MonkeyPatch, work: Any) -> list[str]:
    """How SQLite answers what `work` reads."""
    asked: list[tuple[str, tuple[object, ...]]] = []
    read = Memory.read

    def noted(self: Memory, sql: str, *values: object) -> Any:
        asked.append((sql, values))
        return read(self, sql, *values)

    with monkeypatch.context() as patched:
        patched.setattr(Memory, "read", noted)
        work()
    return [str(r[-1]) for sql, v in asked for r in memory.read(f"EXPLAIN QUERY PLAN {sql}", *v)]


def test_what_is_missing_is_looked_up_and_not_found_by_reading_all(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedded(memory, 3)
    vectors = Vectors(memory, EMBEDDER)
    steps = plan(memory, monkeypatch, lambda: vectors.missing(memory.generation(), ("edit",)))
    assert not [step for step in steps if step.startswith("SCAN records")]
    assert not [step for step in steps if step.startswith("SCAN vectors")]
    assert any("records_revision (language=? AND revision>?)" in step for step in steps)
    steps = plan(memory, monkeypatch, lambda: vectors.changes("edit", "python", 1))
    assert any("vectors_revision" in step and "revision>?" in step for step in steps)
    assert all("SCAN" not in step for step in steps)
    steps = plan(memory, monkeypatch, vectors.pairs)
    assert not [step for step in steps if step.startswith("SCAN vectors")]


def test_missing_are_the_new_texts_of_every_language(memory: Memory) -> None:
    embedded(memory, 3)
    vectors, before = Vectors(memory, EMBEDDER), memory.generation()
    assert vectors.missing(-1, ("edit",)) == ()
    memory.add_all(make_record(n, language=name) for n, name in ((7, "c"), (8, "python"), (9, "z")))
    found = vectors.missing(before, ("edit",))
    assert {(text.language, text.text) for text in found} == {
        ("c", "edit number 7"),
        ("python", "edit number 8"),
        ("z", "edit number 9"),
    }
    assert len(vectors.missing(-1, ("edit",), had=True)) == 6
    assert len(Vectors(memory, "another").missing(-1, ("edit",))) == 6


def test_pairs_are_the_languages_and_kinds_of_the_embedder(memory: Memory) -> None:
    assert Vectors(memory, EMBEDDER).pairs() == ()
    memory.add_note("note.md", "00", [("part", "a text", 1)])
    memory.add_all(make_record(n, language=name) for n, name in enumerate(("c", "python", "z")))
    dense = Dense(memory, memory.path.parent / "chroma", FactsEmbedder(), ("edit", "bottleneck"))
    dense.embed_missing(silent)
    names = [(name, kind) for name in ("c", "python", "z") for kind in ("bottleneck", "edit")]
    assert Vectors(memory, EMBEDDER).pairs() == tuple(sorted([*names, (NOTES, NOTES)]))
    assert Vectors(memory, "another").pairs() == ()


def test_of_many_holders_only_the_newest_are_fetched(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    for start in (0, 50):
        memory.add_all(make_record(n, edit="the same") for n in range(start, start + 50))
        dense = Dense(memory, memory.path.parent / "chroma", FactsEmbedder(), ("edit",))
        dense.embed_missing(silent)
    vectors = Vectors(memory, EMBEDDER)
    digests = vectors.digests("edit", "python")
    (found,) = vectors.holders("edit", "python", digests, 10)
    assert found == tuple(sorted(make_record(n, edit="the same").id for n in range(50, 100))[:10])
    work = functools.partial(vectors.holders, "edit", "python", digests, 10)
    steps = plan(memory, monkeypatch, work)
    assert any("COVERING INDEX vectors_digest" in step and "digest=?" in step for step in steps)
    assert not [step for step in steps if "TEMP B-TREE" in step], "no more is read than is wanted"


def test_what_ranking_needs_is_read_from_indexes_alone(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = replace(make_record(2), receipt=None)
    memory.add_all([make_record(1), claim])
    ids = [make_record(1).id, claim.id]
    assert [memory.heads(ids)[item].claimed for item in ids] == [False, True]
    steps = plan(memory, monkeypatch, lambda: memory.heads(ids))
    looked = [step for step in steps if step.startswith("SEARCH")]
    assert len(looked) == 2
    assert "COVERING INDEX records_head" in looked[0]
    assert "INDEX records_claimed" in looked[1]


def test_only_vectors_that_came_are_read_again(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    dense = embedded(memory, 40)
    asked: list[int] = []
    some = Vectors.some

    def counted(self: Vectors, kind: str, language: str, digests: Iterable[str]) -> Any:
        wanted = tuple(digests)
        asked.append(len(wanted))
        return some(self, kind, language, wanted)

    monkeypatch.setattr(Vectors, "some", counted)
    (vector,) = FactsEmbedder().embed(["edit number 7"])
    dense._exact("python", "edit", vector, 3)
    memory.set_fact("a", "b")
    dense._exact("python", "edit", vector, 3)
    assert asked == [40]
    memory.add_all(make_record(n) for n in range(100, 103))
    memory.remove([make_record(n).id for n in (3, 9)])
    dense.embed_missing(silent)
    found = dense._exact("python", "edit", vector, 50)
    assert asked == [40, 3]
    anew = Dense(memory, memory.path.parent / "chroma", FactsEmbedder(), ("edit",))
    assert anew._exact("python", "edit", vector, 50) == found
    assert len(found) == 41
    ids, matrix = dense._matrix("python", "edit", 384)
    again, same = anew._matrix("python", "edit", 384)
    assert ids == again
    assert matrix is not None
    assert np.array_equal(matrix, same)  # type: ignore[arg-type]


def test_all_are_read_again_where_nobody_knows_what_went(memory: Memory) -> None:
    dense = embedded(memory, 5)
    (vector,) = FactsEmbedder().embed(["edit number 3"])
    assert len(dense._exact("python", "edit", vector, 9)) == 5
    Vectors(memory, EMBEDDER).drop(own=True, others=False)
    assert dense._exact("python", "edit", vector, 9) == ()
    dense.embed_missing(silent)
    assert len(dense._exact("python", "edit", vector, 9)) == 5


# -- damage that the check on open is too slow for


def damaged(folder: Path, change: str) -> Memory:
    """A memory of which one row was changed in its file."""
    with Memory(folder / "memory.db") as memory:
        memory.add_all(
            replace(make_record(n), slow="def f(x):\n    return [i for i in x if i in x]\n")
            for n in range(4)
        )
        memory.add_note("note.md", "00", [("part", "a text on sorting", 1)])
        with Index(memory, embedder=FactsEmbedder(), corpus=None, vectors=False) as index:
            ask(index, "edit", 3)
    connection = sqlite3.connect(folder / "memory.db")
    with connection:
        connection.execute(change)
    connection.close()
    return Memory(folder / "memory.db")


COLUMNS = ("title", "edit", "facts", "shape", "slow", "bottleneck", "polarity", "provenance")


@pytest.mark.parametrize("vectors", [False, True])
@pytest.mark.parametrize(
    "change",
    [
        *(f"UPDATE records SET {c} = CAST({c} AS BLOB) WHERE rowid = 1" for c in COLUMNS),
        *(
            f"UPDATE records SET {c} = CAST(x'80' || substr(CAST({c} AS BLOB), 2) AS TEXT) "
            "WHERE rowid = 1"
            for c in (*COLUMNS, "language")
        ),
        "UPDATE passages SET text = CAST(text AS BLOB)",
        "UPDATE passages SET text = CAST(x'80ff' AS TEXT)",
    ],
)
def test_a_flipped_bit_does_not_end_a_search(
    tmp_path: Path, change: str, vectors: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mended, "_CHECKED_BYTES", 0)
    query = Query(facts="tests membership in a list", hint="edit number", code="def f", shape="x y")
    with (
        damaged(tmp_path, change) as memory,
        Index(memory, embedder=FactsEmbedder(), corpus=None, vectors=vectors) as index,
    ):
        assert len(index.search(query, 9)) >= 3
        index.passages(query, 3)
        memory.set_fact("a", "write")
        assert len(index.search(query, 9)) == 4, "the next write mended it"


def test_a_later_session_does_not_look_for_what_is_missing_once_more(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory.add_all(make_record(n) for n in range(9))
    looked: list[tuple[str, int]] = []
    for name, place in (("missing", 0), ("has_other_sizes", 1)):
        original = getattr(Vectors, name)

        def noted(
            self: Vectors, *given: Any, name: str = name, place: int = place, real: Any = original
        ) -> Any:
            looked.append((name, given[place] if len(given) > place else -1))
            return real(self, *given)

        monkeypatch.setattr(Vectors, name, noted)

    def searched(kinds: tuple[Kind, ...] = ("edit",)) -> dict[str, int]:
        looked.clear()
        with Index(memory, embedder=FactsEmbedder(), corpus=None, kinds=kinds) as index:
            assert len(ask(index, "edit number", 99)) == memory.counts()["records"]
            assert index._opened().embed_missing(silent) == 0
        return dict(reversed(looked))

    assert searched() == {"missing": -1, "has_other_sizes": -1}
    assert min(searched().values()) > 0
    memory.add(make_record(10))
    assert min(searched().values()) > 0
    assert memory.counts()["vectors"] == 10
    assert searched(("edit", "bottleneck"))["missing"] == -1, "of bottlenecks nobody has looked"
    assert memory.counts()["vectors"] == 20
    assert min(searched(("bottleneck",)).values()) > 0
    Vectors(memory, EMBEDDER).drop(own=True, others=False)
    assert searched() == {"missing": -1, "has_other_sizes": -1}
    assert memory.counts()["vectors"] == 10


@pytest.mark.parametrize(
    "kept",
    [
        "",
        "[1]",
        "{}",
        "[" * 9999,
        '{"revision": 1e999, "kinds": [], "size": 4, "looked": 1, "sum": 1}',
    ],
)
def test_what_a_session_kept_may_be_anything(memory: Memory, kept: str) -> None:
    vectors = Vectors(memory, EMBEDDER)
    memory.set_fact(f"complete:{EMBEDDER}", kept)
    assert vectors.complete() is None
    known = Complete(1, ("edit",), 1536, 2)
    vectors.keep_complete(known)
    assert vectors.complete() == known
    kept = str(memory.fact(f"complete:{EMBEDDER}"))
    memory.set_fact(f"complete:{EMBEDDER}", kept.replace(": 1,", ": 2,"))
    assert vectors.complete() is None, "a flipped digit"
    vectors.keep_complete(Complete(1, ("edit",), 1536, 99))
    assert vectors.complete() is None, "of a later state than this one"


def test_whoever_verifies_looks_at_all(memory: Memory) -> None:
    memory.add_all(make_record(n) for n in range(5))
    with Index(memory, embedder=FactsEmbedder(), corpus=None, vectors=False) as index:
        ask(index, "bottleneck number 3", 3)
    now = memory.generation()
    Vectors(memory, EMBEDDER).keep_complete(Complete(now, ("bottleneck", "facts"), 1536, now))
    with Index(memory, embedder=FactsEmbedder(), corpus=None) as index:
        ask(index, "bottleneck number 3", 3)
        assert memory.counts()["vectors"] == 0, "it was believed"
        assert index.verify().ok
        assert memory.counts()["vectors"] == 5


def test_a_session_that_embedded_all_says_so_without_a_query(memory: Memory) -> None:
    memory.add_all(make_record(n) for n in range(5))
    with Index(memory, embedder=FactsEmbedder(), corpus=None) as index:
        index.embed()
    found = Vectors(memory, EMBEDDER).complete()
    assert found is not None
    assert found.size == 1536
    assert found.revision <= found.looked


def test_while_another_process_writes_nothing_is_kept_and_nobody_waits(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    vectors = Vectors(memory, EMBEDDER)
    known = Complete(0, ("edit",), 1536, 0)
    waited: list[object] = []
    set_fact = Memory.set_fact

    def noted(self: Memory, key: str, value: str) -> None:
        waited.append(self.read("PRAGMA busy_timeout"))
        set_fact(self, key, value)

    monkeypatch.setattr(Memory, "set_fact", noted)
    with contextlib.closing(sqlite3.connect(memory.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        vectors.keep_complete(known)
        assert vectors.complete() is None
        other.execute("ROLLBACK")
    vectors.keep_complete(known)
    assert vectors.complete() == known
    assert waited == [[(0,)], [(0,)]]
    assert memory.read("PRAGMA busy_timeout") == [(int(PATIENCE_S * 1000),)]


def test_a_search_ends_although_others_go_on_writing(memory: Memory) -> None:
    memory.add_all(make_record(n) for n in range(3))
    more = iter(range(100, 10**9))

    class Slow(FactsEmbedder):
        def embed(self, texts: Sequence[str]) -> Any:
            memory.add(make_record(next(more)))  # as another process might
            return super().embed(texts)

    with Index(memory, embedder=Slow(), corpus=None) as index:
        ask(index, "bottleneck number 1", 3)
    assert next(more) < 110


class OfLength(FactsEmbedder):
    """An endpoint that gives vectors of a length."""

    identity = "endpoint"

    def __init__(self, length: int) -> None:
        self.length = length

    def embed(self, texts: Sequence[str]) -> Any:
        rows = super().embed(texts)[:, : self.length] + np.float32(1e-3)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_lengths_that_change_beside_an_open_session_are_made_one_again(
    memory: Memory, tmp_path: Path
) -> None:
    memory.add_all(make_record(n) for n in range(20))
    first = Index(memory, tmp_path / "a", OfLength(8), corpus=None)
    ask(first, "bottleneck number 3", 3)
    with Index(memory, tmp_path / "b", OfLength(16), corpus=None) as other:
        ask(other, "bottleneck number 3", 3)
    memory.add(make_record(50))
    for _ in range(2):
        ask(first, "bottleneck number 3", 3)
    first.close()
    vectors = Vectors(memory, "endpoint")
    assert vectors.sizes() == (32,)
    assert memory.counts()["vectors"] == 21
    with Index(memory, tmp_path / "a", OfLength(8), corpus=None) as later:
        ask(later, "bottleneck number 3", 3)
        assert later.verify().ok


@pytest.mark.parametrize(
    ("damage", "left", "note"),
    [
        ("UPDATE vectors SET vector = zeroblob(1536) WHERE rowid = 2", 5, "were put right"),
        ("DROP TABLE vectors", 0, "was damaged"),
    ],
)
def test_vectors_that_were_mended_away_or_lost_are_made_again(
    tmp_path: Path, damage: str, left: int, note: str
) -> None:
    path = tmp_path / "memory.db"
    with Memory(path) as memory, Index(memory, embedder=FactsEmbedder(), corpus=None) as index:
        memory.add_all(make_record(n) for n in range(6))
        ask(index, "bottleneck number 3", 3)
        assert memory.counts()["vectors"] == 6
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(damage)
    with Memory(path) as memory, Index(memory, embedder=FactsEmbedder(), corpus=None) as index:
        assert note in memory.notes[0]
        assert memory.counts()["vectors"] == left
        ask(index, "bottleneck number 3", 3)
        assert memory.counts()["vectors"] == 6


def test_a_damaged_row_of_the_vectors_is_left_out(tmp_path: Path, memory: Memory) -> None:
    dense = embedded(memory, 6)
    connection = sqlite3.connect(memory.path)
    with connection:
        for column in ("digest", "item", "vector", "language"):
            connection.execute(
                f"UPDATE vectors SET {column} = CAST({column} AS "
                f"{'TEXT' if column == 'vector' else 'BLOB'}) WHERE rowid = "
                "(SELECT rowid FROM vectors WHERE typeof(vector) = 'blob' AND "
                "typeof(digest) = 'text' AND typeof(item) = 'text' LIMIT 1)"
            )
    connection.close()
    memory.set_fact("a", "b")
    (vector,) = FactsEmbedder().embed(["edit number 3"])
    assert dense.nearest("python", [("edit", vector)], 9, silent)()[0]
    assert len(dense._exact("python", "edit", vector, 9)) >= 2


def test_rows_of_another_length_are_left_out(memory: Memory) -> None:
    dense = embedded(memory, 4)
    with memory.write() as connection:
        vector = np.ones(8, dtype="<f4").tobytes()
        connection.execute("UPDATE vectors SET vector = ?, digest = ? WHERE rowid = 1",
                           (vector, "0" * 24))  # fmt: skip
    (asked,) = FactsEmbedder().embed(["edit number 3"])
    assert len(dense._exact("python", "edit", asked, 9)) == 3
    assert dense.wrong() == "hashed words: there are vectors of different lengths"
