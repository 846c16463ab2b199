"""Files of other versions: an older one is taken over whole, a newer one is left as it is."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from index.errors import StoreError
from index.record import Record
from index.rows import row_of
from index.schema import MIGRATIONS, SCHEMA
from index.store import Memory
from index.vectors import Vectors, digest_of
from tests.index.conftest import make_record
from tests.index.durable import (
    all_refusals,
    edit,
    expected_note,
    files_of,
    filled,
    held,
    learnt_record,
    passages,
    refusal,
    restored,
)

_FIRST = (
    "id", "language", "slow", "fast", "title", "bottleneck", "edit", "ratio", "polarity",
    "provenance", "receipt", "created",
)  # fmt: skip
NUMBERS = range(12)
UNDONE = (0, 4)


def records() -> list[Record]:
    """What every schema could hold: some were learnt, some are shipped."""
    return [learnt_record(n) if n % 3 else make_record(n, title=f"shipped {n}") for n in NUMBERS]


def vector(record: Record) -> bytes:
    return record.id.encode()[:16]


def older(path: Path, schema: int) -> None:
    """A file as the hasten of that schema left it, with some of all that it could hold."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    for step, statements in enumerate(MIGRATIONS[:schema], 1):
        for statement in statements:
            connection.execute(statement)
        if step == 1:
            fill_records(connection)
        if step == 2:
            fill_edits(connection)
        if step == 3:
            connection.execute("INSERT INTO facts VALUES ('generation', '77')")
        if step == 4:
            fill_notes(connection)
    connection.execute(f"PRAGMA user_version = {schema}")
    connection.close()


def fill_records(connection: sqlite3.Connection) -> None:
    for record in records():
        row = dict(zip(Record.__dataclass_fields__, row_of(record), strict=True))
        marks = ", ".join("?" * len(_FIRST))
        connection.execute(
            f"INSERT INTO records ({', '.join(_FIRST)}) VALUES ({marks})",
            [row[name] for name in _FIRST],
        )
        blob = vector(record)
        connection.execute(
            "INSERT INTO vectors VALUES (?, 'edit', 'e', ?, ?)", (record.id, digest_of(blob), blob)
        )


def fill_edits(connection: sqlite3.Connection) -> None:
    names = "suggestion, workspace, path, before, after, after_sha256, created, undone"
    for n in NUMBERS:
        kept, undone = edit(n), "2026-02-02T00:00:00+00:00" if n in UNDONE else None
        connection.execute(
            f"INSERT INTO accepted ({names}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [*(getattr(kept, name) for name in names.split(", ")[:-1]), undone],
        )
        no = refusal(n)
        connection.execute(
            "INSERT INTO refusals VALUES (?, ?, ?, ?, ?, ?)",
            (no.fingerprint, no.interpreter, no.edit_key, no.outcome, no.reason, no.created),
        )


def fill_notes(connection: sqlite3.Connection) -> None:
    connection.execute("INSERT INTO notes VALUES ('n', 'note4', 'sha4', '2026-01-01')")
    for number, (section, text, line) in enumerate(passages(4)):
        connection.execute(
            "INSERT INTO passages VALUES (?, 'n', 'note4', ?, ?, ?, 5)",
            (f"p{number}", section, text, line),
        )


@pytest.mark.parametrize("schema", range(1, SCHEMA))
def test_older_file_is_taken_over_whole_and_gets_a_journal(tmp_path: Path, schema: int) -> None:
    path = tmp_path / "memory.db"
    older(path, schema)
    for opening in range(2):
        with Memory(path) as memory:
            assert memory.notes == ()
            found = held(memory)
            assert found.records == {record.id: record for record in records()}
            vectors = Vectors(memory, "e")
            known = {digest_of(vector(record)): vector(record) for record in records()}
            assert dict(vectors.some("edit", "python", known)) == known
            if schema >= 2:
                assert found.accepted == {f"s{n}": (edit(n), n in UNDONE) for n in NUMBERS}
                assert found.refusals == {f"f{n}": refusal(n) for n in NUMBERS}
            if schema >= 4:
                assert found.notes == {"note4": expected_note(4)}
            assert memory.damage() is None
        from_journal = restored(tmp_path / f"restored{opening}", tmp_path / "memory.journal")
        learnt = {i: r for i, r in found.records.items() if not r.provenance.startswith("corpus:")}
        assert from_journal == replace(found, records=learnt)


@pytest.mark.parametrize("schema", range(1, SCHEMA))
def test_older_file_beside_a_newer_journal_is_completed_from_it(
    tmp_path: Path, schema: int
) -> None:
    state = filled(tmp_path, 40)
    (tmp_path / "memory.db").unlink()
    older(tmp_path / "memory.db", schema)
    with Memory(tmp_path / "memory.db") as memory:
        found = held(memory)
        assert {i: found.records[i] for i in state.records} == state.records
        assert {n: found.accepted[n] for n in state.accepted} == state.accepted
        assert {f: found.refusals[f] for f in state.refusals} == state.refusals
        assert memory.damage() is None


@pytest.mark.parametrize("ahead", [1, 2, 900])
@pytest.mark.parametrize("journal", [True, False])
def test_newer_file_is_refused_and_nothing_is_changed(
    tmp_path: Path, ahead: int, journal: bool
) -> None:
    filled(tmp_path, 20)
    connection = sqlite3.connect(tmp_path / "memory.db")
    connection.execute(f"PRAGMA user_version = {SCHEMA + ahead}")
    connection.close()
    if not journal:
        (tmp_path / "memory.journal").unlink()
    before = files_of(tmp_path)
    for _ in range(3):
        with pytest.raises(StoreError, match=rf"schema {SCHEMA + ahead}, .*{SCHEMA}") as caught:
            Memory(tmp_path / "memory.db")
        assert caught.value.code == "memory-newer"
        assert caught.value.message.startswith(str(tmp_path / "memory.db"))
        assert "upgrade" in caught.value.mend
        assert files_of(tmp_path) == before


# -- what is read is what was written


def test_an_edit_that_is_taken_again_within_its_second_is_remembered_twice(
    tmp_path: Path,
) -> None:
    with Memory(tmp_path / "memory.db") as memory:
        for _ in range(3):
            kept = memory.accept(edit(1))
            assert memory.accepted() == (kept,)
            memory.mark_undone(kept.id or 0)
        kept = memory.accept(edit(1))
    (tmp_path / "memory.db").unlink()
    with Memory(tmp_path / "memory.db") as memory:
        assert memory.accepted() == (kept,)
        assert len(memory.accepted(undone=True)) == 4


def test_a_record_with_whole_numbers_is_read_again(tmp_path: Path) -> None:
    record = replace(learnt_record(1), ratio=2, sizes=((10, 2), (20, 3)))
    with Memory(tmp_path / "memory.db") as memory:
        memory.add(record)
        assert memory.get(record.id) == record
        assert memory.damage() is None
    assert restored(tmp_path / "restored", tmp_path / "memory.journal").records == {
        record.id: record
    }


def test_two_outcomes_of_one_edit_leave_the_later_one_also_in_the_journal(tmp_path: Path) -> None:
    with Memory(tmp_path / "memory.db") as memory:
        memory.record_outcome(refusal(2))
        later = replace(refusal(2), reason="another", created="2026-03-03T00:00:00+00:00")
        memory.record_outcome(later)
        assert all_refusals(memory) == (later,)
    assert restored(tmp_path / "restored", tmp_path / "memory.journal").refusals == {"f2": later}
