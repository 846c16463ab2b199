"""Missing, older and swapped files: nothing that was accepted is lost, and it is said."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from index.store import Memory
from tests.index.durable import (
    Held,
    after,
    answers,
    edit,
    filled,
    held,
    learnt_record,
    passages,
    refusal,
    restored,
    step,
)

FILES = ("memory.db", "memory.db-wal", "memory.db-shm", "memory.journal")


def go_on(folder: Path, state: Held, start: int, end: int) -> Held:
    """Steps `start` up to `end`, in a session of their own; what is held afterwards."""
    with Memory(folder / "memory.db") as memory:
        for n in range(start, end):
            step(memory, n)
            state = after(state, n)
    return state


def check(folder: Path, state: Held) -> tuple[str, ...]:
    """The memory and its journal both hold it all, and are sound; what was said on open."""
    with Memory(folder / "memory.db") as memory:
        assert held(memory) == state
        assert memory.damage() is None
        notes = memory.notes
    assert restored(folder / "restored", folder / "memory.journal") == state
    with Memory(folder / "memory.db") as memory:
        assert held(memory) == state
        assert memory.notes == (), "it is said once"
    return notes


def union(one: Held, two: Held) -> Held:
    """What two memories held."""
    return Held(
        one.records | two.records,
        one.accepted | two.accepted,
        one.refusals | two.refusals,
        one.notes | two.notes,
    )


@pytest.fixture(scope="module")
def another(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Held]:
    """A memory that has nothing to do with those that steps make, and was searched."""
    folder = tmp_path_factory.mktemp("another")
    with Memory(folder / "memory.db") as memory:
        for n in range(5000, 5020):
            memory.accept(edit(n))
            memory.record_outcome(refusal(n))
            memory.add(learnt_record(n))
            memory.add_note(f"other{n}", f"sha{n}", passages(n))
        answers(memory, folder / "chroma")
        return folder, held(memory)


# -- missing


def test_missing_file_comes_back_from_the_journal(tmp_path: Path) -> None:
    state = filled(tmp_path, 40)
    (tmp_path / "memory.db").unlink()
    (note,) = check(tmp_path, state)
    assert "memory.journal" in note


def test_empty_file_is_a_missing_one(tmp_path: Path) -> None:
    state = filled(tmp_path, 40)
    (tmp_path / "memory.db").write_bytes(b"")
    assert check(tmp_path, state)


def test_missing_journal_is_written_anew(tmp_path: Path) -> None:
    state = filled(tmp_path, 40)
    (tmp_path / "memory.journal").unlink()
    (note,) = check(tmp_path, state)
    assert "memory.journal was missing" in note


@pytest.mark.parametrize("rest", [b"", b"half a line that a kill le"])
def test_empty_journal_is_a_missing_one(tmp_path: Path, rest: bytes) -> None:
    state = filled(tmp_path, 40)
    (tmp_path / "memory.journal").write_bytes(rest)
    assert check(tmp_path, state)


def test_journal_that_goes_missing_while_the_memory_is_open_is_complete_again(
    tmp_path: Path,
) -> None:
    state = filled(tmp_path, 40)
    with Memory(tmp_path / "memory.db") as memory:
        (tmp_path / "memory.journal").unlink()
        for n in range(40, 50):
            step(memory, n)
            state = after(state, n)
        assert restored(tmp_path / "restored", tmp_path / "memory.journal") == state
        assert any("was missing" in note for note in memory.notes)
    assert check(tmp_path, state) == ()


def test_research_notes_and_what_was_forgotten_outlive_file_and_journal_in_turn(
    tmp_path: Path,
) -> None:
    state = filled(tmp_path, 60)
    for name in ("memory.db", "memory.journal", "memory.db"):
        (tmp_path / name).unlink()
        check(tmp_path, state)


# -- the write-ahead log


def left_by_a_kill(folder: Path, target: Path) -> Held:
    """Copy what lies in the folder of a memory in which 20 steps were just acknowledged."""
    state = filled(folder, 30)
    with Memory(folder / "memory.db") as memory:
        for n in range(30, 50):
            step(memory, n)
            state = after(state, n)
        shutil.copytree(folder, target)
    assert (target / "memory.db-wal").stat().st_size > 0
    return state


def test_log_that_is_removed_after_a_clean_close_is_not_needed(tmp_path: Path) -> None:
    state = filled(tmp_path, 40)
    for suffix in ("-wal", "-shm"):
        (tmp_path / f"memory.db{suffix}").unlink(missing_ok=True)
    assert check(tmp_path, state) == ()


def remove(log: Path) -> None:
    log.unlink()


def cut_off(log: Path) -> None:
    os.truncate(log, log.stat().st_size // 2)


def change_a_byte(log: Path) -> None:
    data = bytearray(log.read_bytes())
    data[len(data) // 3] ^= 4
    log.write_bytes(data)


def fill_with_nonsense(log: Path) -> None:
    log.write_bytes(random.Random(1).randbytes(10_000))


@pytest.mark.parametrize("harm", [remove, cut_off, change_a_byte, fill_with_nonsense])
@pytest.mark.parametrize("shared", [True, False])
def test_log_that_is_harmed_after_a_kill_costs_nothing(
    tmp_path: Path, harm: Callable[[Path], None], shared: bool
) -> None:
    state = left_by_a_kill(tmp_path / "m", tmp_path / "killed")
    harm(tmp_path / "killed" / "memory.db-wal")
    if not shared:
        (tmp_path / "killed" / "memory.db-shm").unlink()
    check(tmp_path / "killed", state)


def test_log_of_another_memory_does_no_harm(tmp_path: Path, another: tuple[Path, Held]) -> None:
    state = left_by_a_kill(tmp_path / "m", tmp_path / "killed")
    shutil.copytree(another[0], tmp_path / "other")
    with Memory(tmp_path / "other" / "memory.db") as other:
        for n in range(2000, 2010):
            step(other, n)
        shutil.copyfile(tmp_path / "other" / "memory.db-wal", tmp_path / "killed/memory.db-wal")
    (tmp_path / "killed" / "memory.db-shm").unlink()
    with Memory(tmp_path / "killed" / "memory.db") as memory:
        found = held(memory)
        assert memory.damage() is None
    assert state.accepted.items() <= found.accepted.items()
    assert state.records.items() <= found.records.items()
    assert state.refusals.items() <= found.refusals.items()
    assert state.notes.items() <= found.notes.items()


# -- older


@pytest.mark.parametrize("end", [30, 40, 41, 75])  # the journal is written anew in 39 and 71
def test_older_file_is_completed_from_the_journal(tmp_path: Path, end: int) -> None:
    state = filled(tmp_path, 24)
    older = (tmp_path / "memory.db").read_bytes()
    state = go_on(tmp_path, state, 24, end)
    (tmp_path / "memory.db").write_bytes(older)
    check(tmp_path, state)


@pytest.mark.parametrize("end", [30, 40, 41, 75])
def test_older_journal_is_completed_from_the_file(tmp_path: Path, end: int) -> None:
    state = filled(tmp_path, 24)
    older = (tmp_path / "memory.journal").read_bytes()
    state = go_on(tmp_path, state, 24, end)
    (tmp_path / "memory.journal").write_bytes(older)
    (note,) = check(tmp_path, state)
    assert "memory.journal" in note
    (kept,) = tmp_path.glob("memory.journal.kept-*")
    assert kept.read_bytes() == older


def search_both(folder: Path) -> dict[str, frozenset[str]]:
    """What is found with the indexes that are there; the same as with new ones."""
    with Memory(folder / "memory.db") as memory:
        new = folder.with_name(f"{folder.name}-new")
        shutil.rmtree(new, ignore_errors=True)
        found = answers(memory, folder / "chroma")
        assert found == answers(memory, new / "chroma")
    return found


@pytest.mark.parametrize(
    ("journal", "steps"), [(True, 0), (True, 6), (True, 12), (True, 30), (False, 0), (False, 12)]
)
def test_indexes_of_a_later_state_are_not_believed(
    tmp_path: Path, journal: bool, steps: int
) -> None:
    folder = tmp_path / "m"
    state = filled(folder, 24)
    search_both(folder)
    for name in ("memory.db", "memory.journal"):
        shutil.copyfile(folder / name, tmp_path / name)
    later = go_on(folder, state, 24, 36)
    search_both(folder)
    shutil.copyfile(tmp_path / "memory.db", folder / "memory.db")
    if journal:  # both were put back: neither knows of what came later
        shutil.copyfile(tmp_path / "memory.journal", folder / "memory.journal")
    later = state if journal else later
    later = go_on(folder, later, 1000, 1000 + steps)
    search_both(folder)
    check(folder, later)


# -- swapped


@pytest.mark.parametrize("indexes", [True, False])
def test_file_of_another_memory_is_brought_together_with_the_journal(
    tmp_path: Path, another: tuple[Path, Held], indexes: bool
) -> None:
    mine, (other, theirs) = filled(tmp_path / "m", 41), another
    search_both(tmp_path / "m")
    shutil.copyfile(other / "memory.db", tmp_path / "m" / "memory.db")
    if indexes:
        for name in ("chroma", "words"):
            shutil.rmtree(tmp_path / "m" / name)
            shutil.copytree(other / name, tmp_path / "m" / name)
    (note,) = check(tmp_path / "m", union(mine, theirs))
    assert "memory.journal" in note
    assert "what both held is in both now" in note
    search_both(tmp_path / "m")


def test_of_two_opinions_on_one_record_the_users_counts(tmp_path: Path) -> None:
    worked, rejected = learnt_record(2, "worked"), learnt_record(2, "rejected")
    for name, record in (("one", worked), ("two", rejected)):
        (tmp_path / name).mkdir()
        with Memory(tmp_path / name / "memory.db") as memory:
            memory.add(record)
    for file, journal in (("one", "two"), ("two", "one")):
        target = tmp_path / f"{file}-{journal}"
        target.mkdir()
        shutil.copyfile(tmp_path / file / "memory.db", target / "memory.db")
        shutil.copyfile(tmp_path / journal / "memory.journal", target / "memory.journal")
        with Memory(target / "memory.db") as memory:
            assert [r.polarity for r in memory.all()] == ["rejected"]


@pytest.mark.parametrize(("mine", "theirs"), [(4, 20), (20, 4), (10, 10), (1, 1)])
def test_copies_that_went_different_ways_are_brought_together(
    tmp_path: Path, mine: int, theirs: int
) -> None:
    start = filled(tmp_path / "m", 40)
    shutil.copytree(tmp_path / "m", tmp_path / "copy")
    for folder, first, count in (("m", 6000, mine), ("copy", 7000, theirs)):
        with Memory(tmp_path / folder / "memory.db") as memory:
            for n in range(first, first + count):
                memory.accept(edit(n))
                memory.add(learnt_record(n))
    shutil.copyfile(tmp_path / "copy" / "memory.journal", tmp_path / "m" / "memory.journal")
    numbers = [*range(6000, 6000 + mine), *range(7000, 7000 + theirs)]
    expected = replace(
        start,
        accepted=start.accepted | {f"s{n}": (edit(n), False) for n in numbers},
        records=start.records | {learnt_record(n).id: learnt_record(n) for n in numbers},
    )
    (note,) = check(tmp_path / "m", expected)
    assert "memory.journal" in note


def judged_in_copies(folder: Path, monkeypatch: pytest.MonkeyPatch, compacted: bool) -> Held:
    """Copy a memory; what a person did in the copy, and the file of the other one beside it."""
    one, two = folder / "one", folder / "two"
    monkeypatch.setattr("index.store.now", lambda: "2026-01-01T00:00:00+00:00")
    with Memory(one / "memory.db") as memory:
        memory.add_all([learnt_record(n, "worked") for n in range(4)])
        memory.record_outcome(replace(refusal(1), outcome="failed", reason="slower"))
        memory.record_outcome(refusal(2))
        memory.add_note("n", "v1", passages(1))
        memory.judge(learnt_record(3).provenance, [learnt_record(3).title], "accepted")
    shutil.copytree(one, two)
    with Memory(two / "memory.db") as memory:
        if compacted:
            memory.compact()
        monkeypatch.setattr("index.store.now", lambda: "2026-02-02T00:00:00+00:00")
        memory.judge(learnt_record(1).provenance, [learnt_record(1).title], "rejected")
        memory.judge(learnt_record(3).provenance, [learnt_record(3).title], "rejected")
        memory.record_outcome(refusal(1))
        memory.record_outcome(replace(refusal(2), reason="newer", created="2026-02-02"))
        memory.add_note("n", "v2", passages(2))
        memory.add_note("of two", "v1", passages(3))
        expected = held(memory)
    with Memory(one / "memory.db") as memory:
        memory.add(learnt_record(9))
        memory.remove([learnt_record(0).id])
    expected.records[learnt_record(9).id] = learnt_record(9)
    expected.records[learnt_record(3).id] = learnt_record(3, "accepted")
    del expected.records[learnt_record(0).id]
    return expected


@pytest.mark.parametrize("compacted", [False, True])
def test_what_a_person_thought_and_read_in_a_copy_counts_where_both_come_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compacted: bool
) -> None:
    expected = judged_in_copies(tmp_path, monkeypatch, compacted=compacted)
    one, two = tmp_path / "one", tmp_path / "two"
    shutil.copyfile(two / "memory.journal", one / "memory.journal")
    (note,) = check(one, expected)
    assert "what both held is in both now" in note


@pytest.mark.parametrize("compacted", [True, False])
def test_a_judgement_that_was_taken_back_stays_so_beside_an_older_journal(
    tmp_path: Path, compacted: bool
) -> None:
    record, path = learnt_record(2, "worked"), tmp_path / "memory.db"
    older = tmp_path / "older"
    with Memory(path) as memory:
        memory.add(record)
        memory.add(learnt_record(3))
        memory.judge(record.provenance, [record.title], "rejected")
        shutil.copyfile(tmp_path / "memory.journal", older)
        memory.judge(record.provenance, [record.title], "worked")
        memory.remove([learnt_record(3).id])
        if compacted:
            memory.compact()
        memory.add(learnt_record(4))
        state = held(memory)
    shutil.copyfile(older, tmp_path / "memory.journal")
    check(tmp_path, state)


@pytest.mark.parametrize("what", ["chroma", "words"])
@pytest.mark.parametrize("copied", [True, False])
def test_index_of_another_memory_or_of_a_copy_that_went_another_way_is_not_believed(
    tmp_path: Path, another: tuple[Path, Held], what: str, copied: bool
) -> None:
    state = filled(tmp_path / "m", 24)
    if copied:
        shutil.copytree(tmp_path / "m", tmp_path / "other")
        go_on(tmp_path / "other", state, 1000, 1010)
        search_both(tmp_path / "other")
    else:
        shutil.copytree(another[0], tmp_path / "other")
    go_on(tmp_path / "m", state, 24, 44)
    expected = search_both(tmp_path / "m")
    shutil.rmtree(tmp_path / "m" / what)
    shutil.copytree(tmp_path / "other" / what, tmp_path / "m" / what)
    assert search_both(tmp_path / "m") == expected
