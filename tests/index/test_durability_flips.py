"""Flipped bytes: what is returned is what was written, and what is lost is said."""

from __future__ import annotations

import random
import shutil
import sqlite3
import tracemalloc
from dataclasses import replace
from pathlib import Path

import pytest

from index.embedding import FactsEmbedder
from index.errors import StoreError
from index.retrieval import Index
from index.store import Memory
from tests.index.conftest import make_record
from tests.index.durable import (
    QUERY,
    Held,
    answers,
    edit,
    expected_note,
    filled,
    held,
    learnt_record,
    refusal,
    restored,
)

STEPS = 39  # the last but one of them writes the journal anew, so that more are behind that
SHIPPED = {r.id: r for r in (make_record(n, title=f"shipped {n}") for n in range(4))}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Held]:
    """A closed memory with some of everything, and what was learnt in it."""
    folder = tmp_path_factory.mktemp("template")
    state = filled(folder, STEPS)
    with Memory(folder / "memory.db") as memory:
        memory.replace_corpus("corpus", "v1", list(SHIPPED.values()))
        with Index(memory, embedder=FactsEmbedder(), corpus=None) as index:
            index.search(QUERY, 3)  # so that facts and vectors are those of today
    shutil.rmtree(folder / "chroma")
    assert restored(folder / "restored", folder / "memory.journal") == state
    return folder, state


def copy(template: Path, folder: Path) -> Path:
    """A copy of the memory and its journal alone; the memory's path."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name in ("memory.db", "memory.journal"):
        shutil.copyfile(template / name, folder / name)
    return folder / "memory.db"


def flip(path: Path, rng: random.Random, at: int | None = None) -> None:
    """Change one byte of a file: one bit of it, or any."""
    data = bytearray(path.read_bytes())
    where = rng.randrange(len(data)) if at is None else at
    data[where] ^= rng.choice((rng.randrange(1, 256), 1 << rng.randrange(8)))
    path.write_bytes(data)


def learnt(memory: Memory) -> Held:
    """What a memory holds, less what is shipped: that is right, and loaded again where it lacks."""
    if memory.fact("corpus:corpus") is None:  # as the loader of the corpus does
        memory.replace_corpus("corpus", "v1", list(SHIPPED.values()))
    found = held(memory)
    shipped = {i: r for i, r in found.records.items() if r.provenance.startswith("corpus:")}
    assert shipped == SHIPPED
    records = {i: r for i, r in found.records.items() if i not in shipped}
    return replace(found, records=records)


def check_whole(path: Path, state: Held) -> None:
    """Open a memory that was damaged: everything must be there, and the file be whole again.

    Only a version number that is damaged can't be told from a newer one; then it is left alone.
    """
    before, journal = path.read_bytes(), path.with_name("memory.journal")
    known = journal.read_bytes()
    try:
        memory = Memory(path)
    except StoreError as error:
        assert error.code == "memory-newer"
        assert "damaged" in error.message
        assert "journal" in error.mend
        assert path.read_bytes() == before
    else:
        with memory:
            assert learnt(memory) == state
            assert memory.damage() is None
    if journal.read_bytes() != known:
        assert restored(path.with_name("restored"), journal) == state


@pytest.mark.parametrize("seed", range(4))
def test_any_byte_of_the_file_may_change(
    tmp_path: Path, template: tuple[Path, Held], seed: int
) -> None:
    folder, state = template
    rng = random.Random(seed)
    for _ in range(50):
        path = copy(folder, tmp_path / "memory")
        flip(path, rng)
        check_whole(path, state)


def test_every_byte_of_the_header_may_change(tmp_path: Path, template: tuple[Path, Held]) -> None:
    folder, state = template
    rng = random.Random(5)
    for at in range(100):
        path = copy(folder, tmp_path / "memory")
        flip(path, rng, at)
        check_whole(path, state)


def test_many_bytes_may_change(tmp_path: Path, template: tuple[Path, Held]) -> None:
    folder, state = template
    rng = random.Random(6)
    for count in (2, 5, 10, 20, 50, 100, 200, 500):
        path = copy(folder, tmp_path / "memory")
        for _ in range(count):
            flip(path, rng)
        check_whole(path, state)


def test_a_search_finds_the_same_after_any_byte_has_changed(
    tmp_path: Path, template: tuple[Path, Held]
) -> None:
    folder, _ = template
    rng = random.Random(7)
    with Memory(copy(folder, tmp_path / "memory")) as memory:
        expected = answers(memory, tmp_path / "chroma", vectors=False)
    shipped = frozenset(SHIPPED)
    for _ in range(15):
        path = copy(folder, tmp_path / "memory")
        flip(path, rng, rng.randrange(100, path.stat().st_size))
        with Memory(path) as memory:
            learnt(memory)
            found = answers(memory, path.with_name("chroma"), vectors=False)
        assert found == expected
        assert shipped <= frozenset().union(*found.values())


def test_what_is_damaged_in_a_large_file_is_left_out_until_it_is_mended(
    tmp_path: Path, template: tuple[Path, Held], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, state = template
    monkeypatch.setattr("index.mended._CHECKED_BYTES", 0)
    path = copy(folder, tmp_path / "memory")
    (record, *_), (kept, *_) = state.records.values(), state.accepted.values()
    data = path.read_bytes()
    for text in (record.slow, kept[0].before):
        assert data.count(text.encode()) == 1
        data = data.replace(text.encode(), text.upper().encode())
    path.write_bytes(data)
    with Memory(path) as memory:
        assert memory.get(record.id) is None
        assert any("left out" in note for note in memory.notes)
        assert [e.before for e in memory.accepted(path=kept[0].path, undone=True)] == [
            kept[0].before
        ]
        assert "2 rows are damaged" in (memory.damage() or "")
        memory.set_fact("any", "write")
        assert learnt(memory) == state
        assert memory.damage() is None


def test_any_byte_of_the_journal_may_change(tmp_path: Path, template: tuple[Path, Held]) -> None:
    folder, state = template
    rng = random.Random(8)
    size = (folder / "memory.journal").stat().st_size
    for at in (0, 20, size - 1, *(rng.randrange(size) for _ in range(57))):
        path = copy(folder, tmp_path / "memory")
        flip(path.with_name("memory.journal"), rng, at)
        with Memory(path) as memory:
            assert learnt(memory) == state
            said = (*memory.notes, memory.damage() or "")
            assert any(str(path.with_name("memory.journal")) in note for note in said)
            memory.compact()
            assert memory.damage() is None
        assert restored(path.with_name("restored"), path.with_name("memory.journal")) == state


def test_what_both_have_lost_is_said_and_nothing_else_is_lost(
    tmp_path: Path, template: tuple[Path, Held]
) -> None:
    folder, state = template
    rng, said = random.Random(9), 0
    numbers = range(-STEPS, STEPS)
    records = {learnt_record(n).id: learnt_record(n) for n in numbers}
    for _ in range(40):
        path = copy(folder, tmp_path / "memory")
        for _ in range(10):
            flip(path, rng, rng.randrange(100, path.stat().st_size))
            flip(path.with_name("memory.journal"), rng)
        with Memory(path) as memory:
            found, notes = learnt(memory), memory.notes
        for record in found.records.values():
            assert record == replace(records[record.id], polarity=record.polarity)
        for name, (kept, _) in found.accepted.items():
            assert kept == edit(int(name.removeprefix("s")))
        for name, refused in found.refusals.items():
            assert refused == refusal(int(name.removeprefix("f")))
        for sha, *texts in found.notes.values():
            assert set(texts) <= set(expected_note(int(sha.removeprefix("sha"))))
        if found != state:
            said += 1
            assert any("damaged" in note for note in notes)
    assert said, "the damage was too small to tell anything"


def test_mending_and_compacting_read_the_journal_piece_by_piece(tmp_path: Path) -> None:
    path, journal = tmp_path / "memory.db", tmp_path / "memory.journal"
    records = [replace(learnt_record(n), receipt={"notes": ["x" * 20_000]}) for n in range(150)]
    with Memory(path) as memory:
        memory.add_all(records)
        memory.add_all([replace(record, ratio=3.0) for record in records])
    size = journal.stat().st_size
    connection = sqlite3.connect(path)
    for record in records[3:5]:
        connection.execute("UPDATE records SET title = 'other' WHERE id = ?", (record.id,))
    connection.commit()
    connection.close()
    tracemalloc.start()
    try:
        with Memory(path) as memory:
            assert memory.get(records[3].id) == replace(records[3], ratio=3.0)
            memory.compact()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert journal.stat().st_size < size * 0.6
    assert peak < size / 10
    with Memory(path) as memory:
        assert memory.all() == tuple(replace(record, ratio=3.0) for record in memory.all())
        assert memory.damage() is None


@pytest.mark.parametrize("step", ["_tell_damage", "_settle"])
def test_a_mending_that_was_not_written_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    monkeypatch.setattr("index.mended._CHECKED_BYTES", 0)
    path, record = tmp_path / "memory.db", learnt_record(1)
    with Memory(path) as memory:
        memory.add_all([record, learnt_record(2)])
    connection = sqlite3.connect(path)
    connection.execute("UPDATE records SET title = 'other' WHERE id = ?", (record.id,))
    connection.commit()
    connection.close()

    def full(*_: object) -> None:
        raise StoreError("full", code="memory-unwritable", mend="free space")

    with Memory(path) as memory:
        assert memory.get(record.id) is None
        with monkeypatch.context() as patched:
            patched.setattr(memory, step, full)
            with pytest.raises(StoreError, match="full"):
                memory.set_fact("any", "write")
        memory.set_fact("any", "write")
        assert memory.get(record.id) == record
