from __future__ import annotations

import sqlite3
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from optimizer.errors import ResultsError
from optimizer.results import SCHEMA, Results
from optimizer.suggestion import Rejection
from tests.optimizer.made import suggestion


def test_a_suggestion_comes_back_as_it_was_put(tmp_path: Path) -> None:
    results = Results(tmp_path)
    results.put(suggestion("a1"), "text")
    assert results.get("a1") == suggestion("a1")
    assert results.suggestions_for("/w/m.py") == (suggestion("a1"),)
    assert results.proved_text("a1") == "text"


def test_an_id_may_be_shortened_only_while_it_is_unique(tmp_path: Path) -> None:
    results = Results(tmp_path)
    results.put(suggestion("abc1", function="f"), "text")
    results.put(suggestion("abd2", function="g"), "text")
    assert results.get("abc") == suggestion("abc1", function="f")
    assert results.get("ab") is None
    assert results.get("") is None
    assert results.get("%") is None


def test_a_new_search_replaces_what_was_verified_but_not_what_was_accepted(tmp_path: Path) -> None:
    results = Results(tmp_path)
    results.put(suggestion("old"), "text")
    assert results.mark("old", "accepted")
    results.put(suggestion("mid"), "text")
    results.put(suggestion("new"), "text")
    assert [s.id for s in results.suggestions_for("/w/m.py")] == ["new", "old"]
    assert results.get("old") == replace(suggestion("old"), state="accepted")


def test_what_was_rejected_stays_so_when_it_is_found_again(tmp_path: Path) -> None:
    results = Results(tmp_path)
    results.put(suggestion("a1"), "text")
    results.mark("a1", "rejected")
    results.put(suggestion("a1"), "text")
    assert results.get("a1") == replace(suggestion("a1"), state="rejected")


def test_marking_an_unknown_id_says_so(tmp_path: Path) -> None:
    assert Results(tmp_path).mark("nobody", "stale") is False


def test_the_counter_shows_changes_of_another_process(tmp_path: Path) -> None:
    reader, writer = Results(tmp_path), Results(tmp_path)
    before = reader.counter
    writer.put(suggestion("a1"), "text")
    assert reader.counter > before
    again = reader.counter
    assert reader.counter == again


def test_rejections_are_those_of_the_last_search(tmp_path: Path) -> None:
    results = Results(tmp_path)
    old, new = (
        Rejection("/w/m.py", "f", title, "equivalence", "differs") for title in ("one", "two")
    )
    results.put_rejections("/w/m.py", "f", [old])
    results.put_rejections("/w/m.py", "f", [new])
    assert results.rejections_for("/w/m.py") == (new,)
    assert results.rejections_for("/w/m.py", "g") == ()


def test_jobs_of_a_killed_engine_become_failed(tmp_path: Path) -> None:
    results = Results(tmp_path)
    results.start_job("j1", "/w/m.py", "f")
    results.start_job("j2", "/w/m.py", "g")
    results.update_job("j2", "done", "")
    assert Results(tmp_path).fail_orphans("the engine was killed") == 1
    assert {j.id: (j.state, j.message) for j in results.jobs()} == {
        "j1": ("failed", "the engine was killed"),
        "j2": ("done", ""),
    }


@pytest.mark.parametrize("content", [b"", b"not a database at all" * 100])
def test_a_corrupt_file_is_rebuilt(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "results.db").write_bytes(content)
    results = Results(tmp_path)
    results.put(suggestion("a1"), "text")
    assert Results(tmp_path).get("a1") is not None


def test_an_older_schema_is_rebuilt(tmp_path: Path) -> None:
    db = sqlite3.connect(tmp_path / "results.db")
    db.execute("CREATE TABLE suggestions (id TEXT)")
    db.commit()
    db.close()
    assert Results(tmp_path).all_suggestions() == ()


def test_a_newer_schema_is_named_and_left_alone(tmp_path: Path) -> None:
    db = sqlite3.connect(tmp_path / "results.db")
    db.execute("CREATE TABLE other (id TEXT)")
    db.execute(f"PRAGMA user_version = {SCHEMA + 1}")
    db.commit()
    db.close()
    before = (tmp_path / "results.db").read_bytes()
    with pytest.raises(ResultsError) as caught:
        Results(tmp_path)
    assert caught.value.code == "results-newer"
    assert (tmp_path / "results.db").read_bytes() == before


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ResultsError, match="file"):
        Results(tmp_path / "file" / "state")


def test_a_row_of_another_shape_hides_nothing_else(tmp_path: Path) -> None:
    results = Results(tmp_path)
    results.put(suggestion("a1"), "text")
    db = sqlite3.connect(tmp_path / "results.db")
    db.execute("INSERT INTO suggestions VALUES ('x', '/w/m.py', 'h', 'verified', 1, '{}', '')")
    db.commit()
    db.close()
    assert [s.id for s in results.suggestions_for("/w/m.py")] == ["a1"]


def test_two_writers_lose_nothing(tmp_path: Path) -> None:
    writers = [Results(tmp_path), Results(tmp_path)]

    def write(results: Results, name: str) -> None:
        for i in range(20):
            results.put(suggestion(f"{name}{i}", function=f"{name}{i}"), "text")

    threads = [
        threading.Thread(target=write, args=(r, n)) for r, n in zip(writers, "ab", strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(writers[0].all_suggestions()) == 40
