"""The memory: what is put in comes out, and processes see each other's writes."""

from __future__ import annotations

import math
import os
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from index.errors import StoreError
from index.record import (
    ANY_INTERPRETER,
    AcceptedEdit,
    Polarity,
    Refusal,
    record_id,
    workspace_provenance,
)
from index.store import Memory, now
from index.vectors import Vectors
from tests.index.conftest import Make, make_record, put_vectors


def accepted(path: str = "/w/a.py", suggestion: str = "s1") -> AcceptedEdit:
    return AcceptedEdit(suggestion, "w", path, "before\n", "after\n", "00ff", now())


def test_record_comes_back_whole(memory: Memory, make: Make) -> None:
    record = make(1)
    memory.add(record)
    assert memory.get(record.id) == record
    assert memory.all("python") == (record,)
    assert memory.all("rust") == ()
    assert memory.get("nothing") is None


def test_same_id_updates_and_keeps_vectors(memory: Memory, make: Make) -> None:
    record = make(1)
    memory.add(record)
    put_vectors(memory, "e", [(record, "edit", b"\0\0\0\0")])
    memory.add(replace(record, polarity="rejected"))
    assert [r.polarity for r in memory.all()] == ["rejected"]
    vectors = Vectors(memory, "e")
    (digest,) = vectors.digests("edit", "python")
    assert vectors.some("edit", "python", [digest, "other"]) == ((digest, b"\0\0\0\0"),)


def test_equal_vectors_share_a_digest_and_newest_come_first(memory: Memory, make: Make) -> None:
    memory.add_all(make(n) for n in range(4))
    for n, vector in enumerate([b"\0\0\0\0"] * 3 + [b"\1\0\0\0"]):
        put_vectors(memory, "e", [(make(n), "edit", vector)])
    vectors = Vectors(memory, "e")
    digests = vectors.digests("edit", "python")
    assert len(digests) == 2
    held = vectors.holders("edit", "python", digests, 2)
    assert sorted(held, key=len) == [(make(3).id,), (make(2).id, make(1).id)]


def test_id_depends_on_texts_and_provenance() -> None:
    texts = ["python", "slow", "fast", "bottleneck", "edit", "corpus:a"]
    ids = {record_id(*texts)}
    for i in range(len(texts)):
        ids.add(record_id(*[t + "!" if i == j else t for j, t in enumerate(texts)]))
    assert len(ids) == len(texts) + 1


def test_removed_record_takes_its_vectors_along(memory: Memory, make: Make) -> None:
    record = make(1)
    memory.add(record)
    put_vectors(memory, "e", [(record, "edit", b"\0\0\0\0")])
    memory.remove([record.id])
    assert memory.counts()["vectors"] == memory.counts()["records"] == 0


def test_vectors_of_unknown_records_and_of_other_texts_are_dropped(
    memory: Memory, make: Make
) -> None:
    memory.add(make(1))
    put_vectors(memory, "e", [(make(2), "edit", b"\0\0\0\0")])
    changed = replace(make(1), facts="what it was")
    put_vectors(memory, "e", [(changed, "facts", b"\0\0\0\0")])
    assert memory.counts()["vectors"] == 0


def test_changed_facts_lose_their_vector_and_are_told(memory: Memory, make: Make) -> None:
    memory.add(make(1))
    memory.put_facts("v1", [(make(1).id, "a loop", "abc")])
    put_vectors(memory, "e", [(replace(make(1), facts="a loop"), "facts", b"\0\0\0\0")])
    vectors, seen = Vectors(memory, "e"), memory.generation()
    memory.put_facts("v2", [(make(1).id, "two loops", "abc")])
    assert memory.counts()["vectors"] == 0
    changes = vectors.changes("facts", "python", seen)
    assert (changes.new, len(changes.gone)) == ((), 1)
    assert [text.text for text in vectors.missing(seen) if text.kind == "facts"] == ["two loops"]


def test_missing_vectors_are_told_per_embedder_and_kind(memory: Memory, make: Make) -> None:
    record = make(1)
    memory.add(record)
    put_vectors(memory, "e", [(record, "edit", b"\0\0\0\0")])
    missing = Vectors(memory, "e").missing()
    assert [(m.item, m.kind, m.text) for m in missing] == [
        (record.id, "bottleneck", record.bottleneck)
    ]
    assert len(Vectors(memory, "other").missing()) == 2


def test_corpus_is_replaced_and_own_records_stay(memory: Memory, make: Make) -> None:
    own = make(9, provenance=workspace_provenance("w", "a.py", "f"), polarity="accepted")
    memory.add(own)
    memory.replace_corpus("corpus", "v1", [make(1), make(2)])
    memory.replace_corpus("corpus", "v2", [make(2), make(3)])
    assert {r.provenance for r in memory.all()} == {
        "corpus:program-2",
        "corpus:program-3",
        "workspace:w:a.py::f",
    }
    assert memory.fact("corpus:corpus") == "v2"


def test_accepted_edits_newest_first_until_undone(memory: Memory) -> None:
    first, second = memory.accept(accepted()), memory.accept(accepted("/w/b.py", "s2"))
    assert memory.accepted() == (second, first)
    assert memory.accepted(path="/w/a.py") == (first,)
    assert memory.accepted(suggestion="s2") == (second,)
    assert first.id is not None
    memory.mark_undone(first.id)
    assert memory.accepted() == (second,)
    assert [e.undone is None for e in memory.accepted(undone=True)] == [True, False]


def test_refusal_is_keyed_by_function_interpreter_and_edit(memory: Memory) -> None:
    failed = Refusal("fp", "CPython 3.11.7", "key", "failed", "differs", now())
    memory.record_outcome(failed)
    assert memory.refusals("fp", "CPython 3.11.7") == {"key": failed}
    assert memory.refusals("fp", "CPython 3.12.1") == {}
    assert memory.refusals("other", "CPython 3.11.7") == {}
    assert memory.refusals("fp", "CPython 3.11.7", "numpy 2.1.0") == {}
    with_numpy = replace(failed, libraries="numpy 2.1.0")
    memory.record_outcome(with_numpy)
    assert memory.refusals("fp", "CPython 3.11.7", "numpy 2.1.0") == {"key": with_numpy}
    assert memory.refusals("fp", "CPython 3.11.7", "numpy 2.2.0") == {}


def test_what_the_user_rejected_counts_whatever_runs_it(memory: Memory) -> None:
    no = Refusal("fp", ANY_INTERPRETER, "key", "rejected", "unreadable", now())
    memory.record_outcome(no)
    for interpreter, libraries in (("CPython 3.11.7", ""), ("CPython 3.13.0", "numpy 2.1.0")):
        assert memory.refusals("fp", interpreter, libraries) == {"key": no}


def test_failure_does_not_replace_the_users_rejection(memory: Memory) -> None:
    failed = Refusal("fp", "CPython 3.11.7", "key", "failed", "differs", now())
    rejected = replace(failed, outcome="rejected", reason="unreadable")
    for refusal in (failed, rejected, failed):
        memory.record_outcome(refusal)
    assert memory.refusals("fp", "CPython 3.11.7") == {"key": rejected}


def test_other_connections_see_writes_and_the_generation(tmp_path: Path, make: Make) -> None:
    path = tmp_path / "memory.db"
    with Memory(path) as one, Memory(path) as two:
        before = two.generation()
        one.add(make(1))
        assert two.generation() > before
        assert len(two.all()) == 1


def test_failed_batch_leaves_nothing(memory: Memory, make: Make) -> None:
    broken = replace(make(2), title=None)  # type: ignore[arg-type]
    try:
        memory.add_all([make(1), broken])
    except Exception as error:
        assert "NOT NULL" in str(error)
    else:
        raise AssertionError("a record without a title was kept")
    assert memory.all() == ()


def test_file_is_for_the_user_only(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "memory.db"
    Memory(path).close()
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0


def test_files_beside_the_memory_are_for_the_user_only_from_the_start(
    tmp_path: Path, make: Make
) -> None:
    folder = tmp_path / "open"
    folder.mkdir(mode=0o755)
    before = os.umask(0o022)
    try:
        for _ in range(2):
            with Memory(folder / "memory.db") as memory:
                memory.add(make(1))
                names = {file.name for file in folder.iterdir()}
                assert {"memory.db", "memory.db-wal", "memory.db-shm", "memory.journal"} <= names
                assert [f.name for f in folder.iterdir() if f.stat().st_mode & 0o077] == []
            (folder / "memory.db").chmod(0o644)  # as an earlier version may have left it
    finally:
        os.umask(before)


def test_a_file_system_without_modes_is_no_reason_not_to_open(
    tmp_path: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "memory.db").touch(mode=0o644)

    def refused(*_: object, **__: object) -> None:
        raise PermissionError("not yours")

    monkeypatch.setattr(Path, "chmod", refused)
    with Memory(tmp_path / "memory.db") as memory:
        memory.add(make(1))
        assert not memory.read_only


def test_a_closed_memory_says_so(tmp_path: Path, make: Make) -> None:
    memory = Memory(tmp_path / "memory.db")
    memory.close()
    uses: list[Callable[[], object]] = [memory.all, lambda: memory.add(make(1)), memory.compact]
    for use in uses:
        with pytest.raises(StoreError, match=r"memory\.db") as caught:
            use()
        assert caught.value.code == "memory-closed"
        assert "open" in caught.value.mend


@pytest.mark.parametrize("polarity", ["accepted", "rejected"])
def test_what_the_user_thought_outlives_the_next_run(
    tmp_path: Path, make: Make, polarity: Polarity
) -> None:
    record = make(1, provenance=workspace_provenance("w", "a.py", "f"))
    path = tmp_path / "memory.db"
    with Memory(path) as memory:
        memory.add(record)
        memory.judge(record.provenance, [record.title], polarity)
        assert memory.add_all([replace(record, ratio=7.0), make(2)]) == 2
        kept = replace(record, ratio=7.0, polarity=polarity)
        assert memory.get(record.id) == kept
    path.unlink()
    with Memory(path) as memory:  # from the journal
        assert memory.get(record.id) == kept
        memory.add(replace(record, polarity="rejected"))
        assert memory.get(record.id) == replace(record, polarity="rejected")
        memory.judge(record.provenance, [record.title], "worked")
        memory.add(record)
        assert memory.get(record.id) == record


def test_records_without_todays_facts_are_found_by_an_index(memory: Memory, make: Make) -> None:
    asked: list[tuple[str, tuple[object, ...]]] = []
    read = memory.read

    def listening(sql: str, *values: object) -> list[tuple[Any, ...]]:
        asked.append((sql, values))
        return read(sql, *values)

    memory.add_all(make(n) for n in range(20))
    memory.put_facts("now", [(make(n).id, "facts", "shape") for n in range(10)])
    memory.put_facts("later", [(make(n).id, "facts", "shape") for n in range(10, 15)])
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(memory, "read", listening)
        found = memory.lacking_facts("now", 100)
    assert {record.id for record in found} == {make(n).id for n in range(10, 20)}
    ((sql, values),) = asked
    plan = [row[-1] for row in memory.read(f"EXPLAIN QUERY PLAN {sql}", *values)]
    assert not any(line.startswith("SCAN") for line in plan), plan


@pytest.mark.parametrize("journal", [True, False])
def test_a_damaged_row_without_todays_facts_is_mended_before_it_is_given_up(
    tmp_path: Path, make: Make, monkeypatch: pytest.MonkeyPatch, journal: bool
) -> None:
    monkeypatch.setattr("index.mended._CHECKED_BYTES", 0)  # as of a large file
    path = tmp_path / "memory.db"
    records = [make(n, provenance=workspace_provenance("w", "a.py", str(n))) for n in range(3)]
    with Memory(path) as memory:
        memory.add_all(records)
        memory.put_facts("old", [(record.id, "old facts", "old shape") for record in records])
    connection = sqlite3.connect(path)
    connection.execute("UPDATE records SET title = 'other' WHERE id = ?", (records[1].id,))
    connection.commit()
    connection.close()
    if not journal:
        path.with_name("memory.journal").unlink()
    with Memory(path) as memory:
        given = records if journal else [records[0], records[2]]
        assert {r.id for r in memory.lacking_facts("new", 9)} == {r.id for r in given}
        memory.put_facts("new", [(r.id, f"facts of {r.title}", "new shape") for r in given])
        assert memory.lacking_facts("new", 9) == ()
        facts = dict(memory.read("SELECT id, facts FROM records"))
        assert {r.id: facts[r.id] for r in given} == {r.id: f"facts of {r.title}" for r in given}
        assert memory.damage() == (None if journal else "1 rows are damaged")


def test_a_head_of_a_damaged_row_is_left_out(memory: Memory, make: Make) -> None:
    memory.add_all([make(1), make(2)])
    with memory.write() as connection:
        connection.execute(
            "UPDATE records SET title = CAST(title AS BLOB) WHERE id = ?", (make(1).id,)
        )
    assert set(memory.heads([make(1).id, make(2).id])) == {make(2).id}


def test_a_number_that_is_none_was_imported_by_earlier_versions(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    with Memory(path) as memory:
        receipt = {"a": [math.nan, math.inf], "b": 2.5}
        memory.add(replace(make_record(1), receipt=receipt, sizes=((10, math.nan), (20, 2.0))))
    with Memory(path) as memory:
        (record,) = memory.all()
        assert record.receipt == {"a": [None, None], "b": 2.5}
        assert [size for size, _ in record.sizes] == [10, 20]
        assert memory.damage() is None
