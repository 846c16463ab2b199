"""A disk that fills up, and a folder that may not be written."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from index.errors import StoreError
from index.store import Memory
from tests.index.durable import after, files_of, filled, step
from tests.index.test_schema import ROOT

_MOUNT = 'mount -t tmpfs -o size=3m tmpfs "$1" && shift && exec "$@"'


def filling(before: list[str], folder: Path, other: Path, mode: str) -> dict[str, Any]:
    """What tests/index/filling.py says; it fails where something was lost."""
    other.mkdir()
    done = subprocess.run(
        [*before, sys.executable, "-m", "tests.index.filling", str(folder), str(other), mode],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def mounted(folder: Path) -> list[str]:
    """How a command is begun that sees a file system of 3 MB at a folder, and nobody else does."""
    for options in (["-m"], ["-r", "-m"]):
        command = ["unshare", *options, "sh", "-c", _MOUNT, "sh", str(folder)]
        if shutil.which("unshare") is None:
            break
        if subprocess.run([*command, "true"], capture_output=True).returncode == 0:
            return command
    pytest.skip("mounting a file system in a namespace of its own is not permitted here")


def check(told: dict[str, Any], folder: Path) -> None:
    """Every refused write named the file and what to do."""
    assert told["said"]
    for code, message, mend in told["said"]:
        assert code == "memory-unwritable"
        assert message.startswith((f"{folder}/m/memory.db:", f"{folder}/m/memory.journal:"))
        assert mend
    for notes in told["notes"]:
        assert len(notes) <= 1
        assert all(note.startswith("Chroma can't be used") for note in notes)


def test_full_disk_refuses_writes_and_loses_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "disk"
    folder.mkdir()
    told = filling(mounted(folder), folder, tmp_path / "other", "disk")
    check(told, folder)
    assert {"memory.db", "memory.journal"} == {
        Path(message.split(":")[0]).name for _, message, _ in told["said"]
    }, "both were full at some time"
    assert any("can't be remembered" in message for _, message, _ in told["said"])
    assert told["notes"][0]


def test_files_that_can_not_grow_refuse_writes_and_lose_nothing(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    told = filling([], tmp_path / "files", tmp_path / "other", "limit")
    check(told, tmp_path / "files")


def test_a_lock_file_that_can_not_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "memory.db.lock").mkdir()
    with pytest.raises(StoreError, match=r"memory.db: can't be opened: .*lock") as caught:
        Memory(tmp_path / "memory.db")
    assert caught.value.code == "memory-unreadable"


def test_a_journal_that_can_not_be_read_is_a_clear_error_and_is_left_alone(tmp_path: Path) -> None:
    filled(tmp_path, 10)
    (tmp_path / "memory.journal").rename(tmp_path / "elsewhere")
    (tmp_path / "memory.journal").mkdir()
    with pytest.raises(StoreError, match=r"memory.journal: can't be read") as caught:
        Memory(tmp_path / "memory.db")
    assert caught.value.code == "memory-unreadable"
    assert "permissions" in caught.value.mend
    assert (tmp_path / "memory.journal").is_dir()


# -- a folder that may not be written

# Everything is imported and used once first: an unprivileged user may not reach the interpreter.
_UNPRIVILEGED = """
import json, os, sys, tempfile
from pathlib import Path
from index.embedding import FactsEmbedder
from index.errors import StoreError
from index.retrieval import Index
from index.store import Memory
from tests.index.conftest import make_record
from tests.index.durable import QUERY, edit, filled, held, learnt_record, refusal

def search(memory, **given):
    with Index(memory, embedder=FactsEmbedder(), corpus=None, **given) as index:
        return [hit.record.title for hit in index.search(QUERY, 5)], index.notes

folder = Path(sys.argv[1])
with tempfile.TemporaryDirectory() as scratch:
    filled(Path(scratch), 20)
    with Memory(Path(scratch) / "memory.db") as memory:
        search(memory, vectors=False)
        search(memory)
if os.geteuid() == 0:
    os.setegid(65534)
    os.seteuid(65534)
"""

_WRITES = """
memory = Memory(folder / "memory.db")
record = learnt_record(10)
writes = {
    "add": lambda: memory.add(make_record(1)),
    "add_all": lambda: memory.add_all([make_record(1)]),
    "judge": lambda: memory.judge(record.provenance, [record.title], "failed"),
    "remove": lambda: memory.remove([record.id]),
    "accept": lambda: memory.accept(edit(1)),
    "mark_undone": lambda: memory.mark_undone(1),
    "record_outcome": lambda: memory.record_outcome(refusal(1)),
    "add_note": lambda: memory.add_note("n", "sha", [("s", "t", 1)]),
    "forget_note": lambda: memory.forget_note("n"),
    "compact": memory.compact,
}
said, before = {}, held(memory)
for name, write in writes.items():
    try:
        write()
        said[name] = None
    except StoreError as error:
        said[name] = [error.code, error.message, error.mend]
assert held(memory) == before
hits, notes = search(memory)
print(json.dumps({"said": said, "hits": hits, "held": str(before), "notes": notes}))
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that any user may reach; the folder of all tests is this user's alone."""
    with TemporaryDirectory(prefix="hasten-test-") as made:
        Path(made).chmod(0o755)
        data = Path(made) / "data"
        data.mkdir()
        yield data
        data.chmod(0o755)


def unprivileged(script: str, folder: Path) -> str:
    """Run a script that has no right to write to `folder`, also when the tests run as root."""
    for path in folder.iterdir():
        path.chmod(0o444)
    folder.chmod(0o555)
    before = files_of(folder)
    done = subprocess.run(
        [sys.executable, "-c", f"{_UNPRIVILEGED}{script}\nos.seteuid(os.getuid())", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    assert files_of(folder) == before
    return done.stdout


def test_a_read_only_folder_is_searched_and_refuses_every_write(folder: Path) -> None:
    expected = filled(folder, 40)
    told = json.loads(unprivileged(_WRITES, folder))
    for name, said in told["said"].items():
        assert said, f"{name} was not refused"
        code, message, mend = said
        assert code == "memory-read-only"
        assert message.startswith(f"{folder}/memory.db: ")
        assert str(folder) in mend
    assert told["held"] == str(expected)
    assert len(told["hits"]) == 5
    assert any("can't be written" in note for note in told["notes"])


def test_a_read_only_memory_that_lags_behind_its_journal_is_read_with_it(folder: Path) -> None:
    state = filled(folder, 20)
    older = (folder / "memory.db").read_bytes()
    with Memory(folder / "memory.db") as memory:
        for n in range(20, 40):
            step(memory, n)
            state = after(state, n)
    (folder / "memory.db").write_bytes(older)
    out = unprivileged("print(held(Memory(folder / 'memory.db')))", folder)
    assert out.strip() == str(state)


def test_a_damaged_read_only_memory_is_read_with_its_journal(folder: Path) -> None:
    state = filled(folder, 40)
    data = bytearray((folder / "memory.db").read_bytes())
    middle = len(data) // 2 // 4096 * 4096
    data[middle : middle + 8192] = bytes(8192)
    (folder / "memory.db").write_bytes(data)
    script = "memory = Memory(folder / 'memory.db')\nprint(held(memory), *memory.notes, sep='\\n')"
    out = unprivileged(script, folder).splitlines()
    assert out[0] == str(state)
    assert any(f"{folder}/memory.db is damaged" in note for note in out[1:])
