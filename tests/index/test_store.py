"""The memory: what is put in comes out, and processes see each other's writes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from index.record import AcceptedEdit, Refusal, record_id, workspace_provenance
from index.store import Memory, now
from tests.index.conftest import Make


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
    memory.put_vectors("e", [(record.id, "edit", b"\0\0\0\0")])
    memory.add(replace(record, polarity="rejected"))
    assert [r.polarity for r in memory.all()] == ["rejected"]
    (digest,) = memory.digests("e", "edit", "python")
    assert memory.vectors("e", "edit", [digest, "other"]) == ((digest, b"\0\0\0\0"),)


def test_equal_vectors_share_a_digest_and_newest_come_first(memory: Memory, make: Make) -> None:
    memory.add_all(make(n) for n in range(4))
    same = [(make(n).id, b"\0\0\0\0") for n in range(3)]
    memory.put_vectors("e", [(i, "edit", v) for i, v in [*same, (make(3).id, b"\1\0\0\0")]])
    digests = memory.digests("e", "edit", "python")
    assert len(digests) == 2
    held = memory.holders("e", "edit", "python", digests, 2)
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
    memory.put_vectors("e", [(record.id, "edit", b"\0\0\0\0")])
    memory.remove([record.id])
    assert memory.counts()["vectors"] == memory.counts()["records"] == 0


def test_vectors_of_unknown_records_are_dropped(memory: Memory) -> None:
    memory.put_vectors("e", [("ghost", "edit", b"\0\0\0\0")])
    assert memory.counts()["vectors"] == 0


def test_missing_vectors_are_told_per_embedder_and_kind(memory: Memory, make: Make) -> None:
    record = make(1)
    memory.add(record)
    memory.put_vectors("e", [(record.id, "edit", b"\0\0\0\0")])
    assert memory.missing_vectors("e") == ((record.id, "bottleneck", record.bottleneck),)
    assert len(memory.missing_vectors("other")) == 2


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
    assert memory.all() == ()


def test_file_is_for_the_user_only(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "memory.db"
    Memory(path).close()
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0
