"""A damaged file is read over to a new one in one step: a kill leaves the one or the other."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import sqlite3
import sys
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType

import pytest

from index import opening
from index.errors import StoreError
from index.store import Memory
from tests.index.durable import Held, filled, held

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["pytest", "numpy", "chromadb", "bm25s", "tests.index.durable"])
KILLS = 12


@pytest.fixture
def damaged(tmp_path: Path) -> tuple[Path, Held]:
    """The folder of a memory of which two pages in the middle are gone, and what it held."""
    folder = tmp_path / "damaged"
    state = filled(folder, 40)
    data = bytearray((folder / "memory.db").read_bytes())
    middle = len(data) // 2 // 4096 * 4096
    data[middle : middle + 8192] = bytes(8192)
    (folder / "memory.db").write_bytes(data)
    return folder, state


def open_and_die(path: Path, step: int, say: Connection) -> None:
    """Open a memory and be killed at the n-th call that opening makes; say how many it makes."""
    made = 0

    def look(frame: FrameType, event: str, _: object) -> None:
        nonlocal made
        if event in ("call", "c_call") and frame.f_code.co_filename == opening.__file__:
            made += 1
            if made == step:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(look)
    Memory(path).close()
    sys.setprofile(None)
    say.send(made)


def opened(path: Path, step: int) -> int:
    """Let another process open a memory and die at a step (0: never); how many there are."""
    hear, say = _FORKS.Pipe(duplex=False)
    child = _FORKS.Process(target=open_and_die, args=(path, step, say))
    child.start()
    say.close()
    steps = 0 if step else int(hear.recv())
    child.join()
    assert child.exitcode == (-signal.SIGKILL if step else 0)
    hear.close()
    return steps


@pytest.mark.parametrize("journal", [True, False])
def test_a_kill_at_any_step_of_the_salvage_loses_nothing(
    tmp_path: Path, damaged: tuple[Path, Held], journal: bool
) -> None:
    template, state = damaged
    if not journal:
        (template / "memory.journal").unlink()
    shutil.copytree(template, tmp_path / "whole")
    steps = opened(tmp_path / "whole" / "memory.db", 0)
    with Memory(tmp_path / "whole" / "memory.db") as memory:
        expected = held(memory)
        assert memory.damage() is None
    assert expected == state if journal else expected.accepted
    for step in (*range(1, steps, steps // KILLS), steps - 1, steps):
        folder = tmp_path / f"killed{step}"
        shutil.copytree(template, folder)
        opened(folder / "memory.db", step)
        with Memory(folder / "memory.db") as memory:
            assert held(memory) == expected, step
            assert memory.damage() is None
            memory.compact()
        with Memory(folder / "memory.db") as memory:
            assert held(memory) == expected, step
        assert not list(folder.glob("*.part*"))
        assert list(folder.glob("memory.db.damaged-*"))


def test_a_salvage_that_finds_no_room_leaves_the_damaged_file_in_its_place(
    damaged: tuple[Path, Held], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, state = damaged
    before = (folder / "memory.db").read_bytes()

    def full(*_: object) -> int:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patched:
        patched.setattr("index.opening._put_aside", full)
        with Memory(folder / "memory.db") as memory:
            assert memory.read_only
            assert held(memory) == state, "read from what is there"
            with pytest.raises(StoreError) as caught:
                memory.remove(["x"])
            assert caught.value.code == "memory-unwritable"
    assert (folder / "memory.db").read_bytes() == before
    assert not list(folder.glob("*.part*"))
    with Memory(folder / "memory.db") as memory:
        assert held(memory) == state
        assert not memory.read_only


def test_the_damaged_file_is_kept_where_there_are_no_links(
    damaged: tuple[Path, Held], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, state = damaged
    before = (folder / "memory.db").read_bytes()

    def no_links(*_: object) -> None:
        raise PermissionError("no links here")

    monkeypatch.setattr(os, "link", no_links)
    with Memory(folder / "memory.db") as memory:
        assert held(memory) == state
    (aside,) = folder.glob("memory.db.damaged-*")
    assert aside.read_bytes() == before
    assert aside.stat().st_mode & 0o077 == 0
