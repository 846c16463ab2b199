"""Files of other versions, damaged files and read-only folders."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from index.errors import StoreError
from index.record import AcceptedEdit
from index.schema import MIGRATIONS, SCHEMA
from index.store import Memory, now
from tests.index.conftest import Make, make_record, put_vectors

ROOT = Path(__file__).resolve().parents[2]


def old_file(path: Path, schema: int) -> None:
    connection = sqlite3.connect(path)
    for step in MIGRATIONS[:schema]:
        for statement in step:
            connection.execute(statement)
    connection.execute(
        "INSERT INTO records (id, language, slow, fast, title, bottleneck, edit, ratio, polarity, "
        "provenance, receipt, created) VALUES ('r', 'python', 's', 'f', 't', 'b', 'e', 2.0, "
        "'worked', 'corpus:x', NULL, 'now')"
    )
    connection.execute(f"PRAGMA user_version = {schema}")
    connection.commit()
    connection.close()


@pytest.mark.parametrize("schema", range(1, SCHEMA))
def test_older_schema_is_migrated(tmp_path: Path, schema: int) -> None:
    old_file(tmp_path / "memory.db", schema)
    with Memory(tmp_path / "memory.db") as memory:
        assert [r.id for r in memory.all()] == ["r"]
        memory.accept(AcceptedEdit("s", "w", "p", "b", "a", "00", now()))
        before = memory.generation()
        put_vectors(memory, "e", [(memory.all()[0], "edit", b"\0\0\0\0")])
        assert memory.counts()["vectors"] == 1
        assert memory.generation() == before + 1


def test_newer_schema_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    old_file(path, SCHEMA)
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {SCHEMA + 1}")
    connection.commit()
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreError) as caught:
        Memory(path)
    assert caught.value.code == "memory-newer"
    assert str(path) in caught.value.message
    assert "upgrade" in caught.value.mend
    assert path.read_bytes() == before
    assert not list(tmp_path.glob("*damaged*"))


def test_newer_schema_still_in_the_log_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    Memory(path).close()
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("PRAGMA journal_mode=WAL")
    writer.execute(f"PRAGMA user_version = {SCHEMA + 5}")
    with pytest.raises(StoreError, match="newer"):
        Memory(path)
    writer.close()


@pytest.mark.parametrize("content", [b"garbage" * 1000, b"SQLite format 3\0" + b"\xff" * 5000])
def test_damaged_file_is_moved_aside_and_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "memory.db"
    path.write_bytes(content)
    if content.startswith(b"SQLite"):  # a plausible version, so that it is not "newer"
        path.write_bytes(content[:60] + b"\0\0\0\1" + content[64:])
    damaged = path.read_bytes()
    with Memory(path) as memory:
        (aside,) = tmp_path.glob("memory.db.damaged-*")
        assert aside.read_bytes() == damaged
        assert str(aside) in memory.notes[0]
        memory.add(make_record(1))
        assert len(memory.all()) == 1


def test_what_reads_is_saved_from_a_damaged_file(tmp_path: Path, make: Make) -> None:
    path = tmp_path / "memory.db"
    with Memory(path) as memory:
        memory.accept(AcceptedEdit("s", "w", "p", "b", "a", "00", now()))
        memory.add_all(make(i) for i in range(200))
    data = bytearray(path.read_bytes())
    middle = len(data) // 2 // 4096 * 4096
    data[middle : middle + 8192] = os.urandom(8192)
    path.write_bytes(data)
    with Memory(path) as memory:
        assert "was damaged" in memory.notes[0]
        assert [e.suggestion for e in memory.accepted()] == ["s"]
        assert memory.all()
        assert memory.damage() is None


def run_unprivileged(script: str, folder: Path) -> str:
    """Run a script that has no right to write to `folder`, also when the tests run as root."""
    # Modules are loaded first: an unprivileged user may not reach the interpreter's folder.
    prelude = (
        "import sys, os, json, sqlite3, shutil, tempfile, subprocess\n"
        f"sys.path.insert(0, {str(ROOT)!r})\n"
        "from index.query import Query\n"
        "import index.store, index.retrieval, index.dense, index.embedding, numpy, bm25s\n"
        "from pathlib import Path\n"
        f"folder = Path({str(folder)!r})\n"
        "if os.geteuid() == 0: os.setegid(65534); os.seteuid(65534)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", prelude + script], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def read_only(tmp_path: Path) -> Path:
    """A folder that is readable and not writable, at the end of a path that anyone may walk."""
    folder = tmp_path / "data"
    folder.mkdir()
    for parent in [tmp_path, *tmp_path.parents]:
        if parent.stat().st_uid == os.geteuid() and str(parent) not in ("/", "/tmp"):
            parent.chmod(parent.stat().st_mode | 0o055)
    return folder


def test_read_only_folder_is_read_log_included(read_only: Path, make: Make) -> None:
    memory = Memory(read_only / "memory.db")
    memory.add(make(1))  # the connection stays open, so the record is in the log only
    for file in read_only.iterdir():
        file.chmod(0o444)
    read_only.chmod(0o555)
    before = {file.name: file.read_bytes() for file in read_only.iterdir()}
    out = run_unprivileged(
        "m = index.store.Memory(folder / 'memory.db')\n"
        "print(len(m.all()), m.read_only, m.notes)\n"
        "try: m.remove(['x'])\n"
        "except index.errors.StoreError as e: print(e.code, e.mend)\n",
        read_only,
    )
    assert {file.name: file.read_bytes() for file in read_only.iterdir()} == before
    memory.close()
    assert out.startswith("1 True (")
    assert "can't be written" in out
    assert "memory-read-only make" in out


def test_read_only_empty_folder_still_searches(read_only: Path, tmp_path: Path) -> None:
    from index import jsonl

    read_only.chmod(0o555)
    corpus = tmp_path / "corpus.jsonl"
    jsonl.write(corpus, [make_record(1, edit="join the pieces"), make_record(2, edit="use a heap")])
    corpus.chmod(0o644)
    out = run_unprivileged(
        f"corpus = Path({str(corpus)!r})\n"
        "m = index.store.Memory(folder / 'memory.db')\n"
        "i = index.retrieval.Index(m, embedder=index.embedding.FactsEmbedder(), corpus=[corpus])\n"
        "print([h.record.edit for h in i.search(Query(hint='heap'), 1)], list(folder.iterdir()))\n",
        read_only,
    )
    assert out.strip() == "['use a heap'] []"


def test_unreadable_folder_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "memory.db").mkdir()
    with pytest.raises(StoreError) as caught:
        Memory(tmp_path / "memory.db")
    assert caught.value.code == "memory-unreadable"
    assert caught.value.mend
