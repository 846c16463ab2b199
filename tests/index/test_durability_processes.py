"""Two processes on one memory: each sees what the other wrote, and finds what the other finds."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from index.embedding import FactsEmbedder
from index.errors import StoreError
from index.retrieval import Index
from index.store import Memory
from tests.index.durable import (
    QUERY,
    answers,
    edit,
    filled,
    held,
    learnt_record,
    refusal,
    restored,
    step,
)

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["pytest", "numpy", "chromadb", "bm25s", "tests.index.durable"])
WRITES = 150


class Other:
    """Another process that does `work(path, line)`; `line` goes both ways."""

    def __init__(self, work: Callable[[Path, Connection], None], path: Path) -> None:
        self.line, theirs = _FORKS.Pipe()
        self._process = _FORKS.Process(target=work, args=(path, theirs))
        self._process.start()
        theirs.close()

    def __enter__(self) -> Connection:
        return self.line

    def __exit__(self, *_: object) -> None:
        self.line.close()
        self._process.join()
        assert self._process.exitcode == 0


def many_writes(path: Path, line: Connection) -> None:
    """Write as the other process does, each its own numbers and both the same records' polarity."""
    offset = line.recv()
    with Memory(path) as memory:
        line.send("open")
        line.recv()
        for n in range(offset, offset + WRITES):
            memory.accept(edit(n))
            memory.record_outcome(refusal(n))
            memory.add(learnt_record(n))
            if n % 10 == 0:
                memory.judge(learnt_record(n).provenance, [learnt_record(n).title], "rejected")
    line.send("done")


def test_two_writers_lose_nothing_and_a_reader_sees_both(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    numbers = [*range(WRITES), *range(1000, 1000 + WRITES)]
    with Memory(path) as reader:
        with Other(many_writes, path) as one, Other(many_writes, path) as two:
            for line, offset in ((one, 0), (two, 1000)):
                line.send(offset)
                assert line.recv() == "open"
            one.send("go")
            two.send("go")
            assert one.recv() == two.recv() == "done"
        found = held(reader)
        assert found.accepted == {f"s{n}": (edit(n), False) for n in numbers}
        assert found.refusals == {f"f{n}": refusal(n) for n in numbers}
        assert found.records == {
            record.id: record
            for n in numbers
            for record in [learnt_record(n, "rejected" if n % 10 == 0 else "accepted")]
        }
        ids = [kept.id for kept in reader.accepted()]
        assert sorted(ids, key=lambda i: i or 0) == list(range(1, 2 * WRITES + 1))
        assert reader.damage() is None
    assert restored(tmp_path / "restored", tmp_path / "memory.journal") == found


def add_beside(path: Path, line: Connection) -> None:
    """Change a record whenever it is asked to."""
    with Memory(path) as memory:
        while (ratio := line.recv()) is not None:
            memory.add(replace(learnt_record(2), ratio=ratio))
            line.send("done")


def test_a_judgement_does_not_take_back_what_another_process_learnt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = learnt_record(2)
    with Memory(tmp_path / "memory.db") as memory, Other(add_beside, memory.path) as line:
        memory.add(record)
        some = memory.some

        def looked_at(ids: Any) -> Any:
            found = some(ids)
            if found[record.id].ratio == 2.0:  # between looking and writing
                line.send(7.5)
                line.recv()
            return found

        monkeypatch.setattr(memory, "some", looked_at)
        assert memory.judge(record.provenance, [record.title], "rejected") == 1
        monkeypatch.undo()
        line.send(None)
        kept = memory.get(record.id)
        assert kept == replace(record, ratio=7.5, polarity="rejected")


def test_two_that_restore_a_missing_file_at_once_both_see_all(tmp_path: Path) -> None:
    expected = filled(tmp_path, 40)
    for suffix in ("db", "db-wal", "db-shm"):
        (tmp_path / f"memory.{suffix}").unlink(missing_ok=True)
    with (
        Other(tell_held, tmp_path / "memory.db") as one,
        Other(tell_held, tmp_path / "memory.db") as two,
    ):
        assert one.recv() == two.recv() == str(expected)


def tell_held(path: Path, line: Connection) -> None:
    """Open a memory and say what it holds."""
    with Memory(path) as memory:
        line.send(str(held(memory)))


class ByText(FactsEmbedder):
    """A vector of its own for each text, so that no two are equally near."""

    identity = "by-text"

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        rows = [np.random.default_rng(list(text.encode())).normal(size=32) for text in texts]
        return np.array([row / np.linalg.norm(row) for row in rows], dtype=np.float32)


def search_when_told(path: Path, line: Connection) -> None:
    """Search on each request; "rebuild" builds anew before, "close" lets go of the index."""
    with Memory(path) as memory:
        index = Index(memory, embedder=ByText(), corpus=None)
        while (what := line.recv()) is not None:
            if what == "close":
                index.close()
                line.send(None)
                continue
            if what == "rebuild":
                try:
                    index.rebuild()
                except StoreError as error:
                    line.send(error.code)
                    continue
            hits = [hit.record.id for hit in index.search(QUERY, 8)]
            line.send((hits, index.stats().chroma == "exact search", index.notes))
        index.close()


def test_owner_and_other_give_the_same_hits_and_ownership_passes_on(tmp_path: Path) -> None:
    filled(tmp_path, 40)
    with (
        Memory(tmp_path / "memory.db") as memory,
        Index(memory, embedder=ByText(), corpus=None) as index,
        Other(search_when_told, memory.path) as line,
    ):
        for n in range(1000, 1040, 8):
            mine = [hit.record.id for hit in index.search(QUERY, 8)]
            assert index.stats().chroma != "exact search"
            line.send("search")
            theirs, exact, notes = line.recv()
            assert (theirs, exact, notes) == (mine, True, ())
            step(memory, n + 2)  # the next round has one more record
            step(memory, n + 5)
        index.close()
        line.send("search")
        theirs, exact, notes = line.recv()
        assert (exact, notes) == (False, ()), "it is the owner now, of a healthy index"
        assert theirs == [hit.record.id for hit in index.search(QUERY, 8)]
        line.send(None)


def test_one_rebuilds_while_another_searches(tmp_path: Path) -> None:
    filled(tmp_path, 40)
    with (
        Memory(tmp_path / "memory.db") as memory,
        Index(memory, embedder=ByText(), corpus=None) as index,
        Other(search_when_told, memory.path) as line,
    ):
        line.send("search")
        before, exact, _ = line.recv()
        assert not exact
        assert [hit.record.id for hit in index.search(QUERY, 8)] == before
        for _ in range(3):
            line.send("rebuild")
            while not line.poll():
                assert {hit.record.id for hit in index.search(QUERY, 100)} >= set(before)
            assert line.recv() == (before, False, ())
            assert [hit.record.id for hit in index.search(QUERY, 8)] == before
        assert index.notes == ()
        line.send(None)
    with Memory(tmp_path / "memory.db") as memory:
        new = answers(memory, tmp_path / "new" / "chroma")
        assert answers(memory, tmp_path / "chroma") == new


def test_who_does_not_own_the_index_is_told_so_when_it_would_rebuild(tmp_path: Path) -> None:
    filled(tmp_path, 40)
    with (
        Memory(tmp_path / "memory.db") as memory,
        Index(memory, embedder=ByText(), corpus=None) as index,
        Other(search_when_told, memory.path) as line,
    ):
        mine = [hit.record.id for hit in index.search(QUERY, 8)]
        vectors = memory.counts()["vectors"]
        line.send("rebuild")
        assert line.recv() == "index-busy"
        assert memory.counts()["vectors"] == vectors, "nothing was dropped"
        assert [hit.record.id for hit in index.search(QUERY, 8)] == mine
        line.send(None)


def visit(path: Path, line: Connection) -> None:
    """Open the memory and close it, as often as it is asked to; say which edits it has."""
    while line.recv() is not None:
        with Memory(path) as memory:
            found = {kept.suggestion for kept in memory.accepted()}
        line.send(found)


def test_opening_it_twice_in_one_process_does_not_let_go_of_its_locks(tmp_path: Path) -> None:
    # Closing any descriptor of a file drops all of a process's POSIX locks on it (fcntl(2)): the
    # last of the other processes would then take the write-ahead log away.
    path = tmp_path / "memory.db"
    with Other(visit, path) as line, Memory(path) as memory:
        memory.accept(edit(1))
        log = path.with_name("memory.db-wal").stat().st_ino
        Memory(path).close()
        line.send("visit")
        assert line.recv() == {"s1"}
        assert path.with_name("memory.db-wal").stat().st_ino == log
        memory.accept(edit(2))
        line.send("visit")
        assert line.recv() == {"s1", "s2"}
        line.send(None)
    assert path.stat().st_size > 0


def test_what_is_written_to_a_file_that_was_moved_aside_is_not_lost(tmp_path: Path) -> None:
    state, path = filled(tmp_path, 40), tmp_path / "memory.db"
    with Other(visit, path) as line, Memory(path) as memory:
        with path.open("r+b") as file:  # while it is open here
            file.seek(3 * 4096)
            file.write(bytes(4 * 4096))
        line.send("visit")
        before = line.recv()
        assert before == {name for name, (_, undone) in state.accepted.items() if not undone}
        assert list(tmp_path.glob("memory.db.damaged-*"))
        memory.accept(edit(9000))
        line.send("visit")
        assert line.recv() == before | {"s9000"}
        line.send(None)
