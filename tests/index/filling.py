"""Fills a disk and writes to a memory on it: a program, since limits and mounts are a process's.

`python -m tests.index.filling FOLDER OTHER MODE`: MODE is "disk" where FOLDER is a small file
system of its own, "limit" where the size of files is limited instead; OTHER lies on another disk.
Ends with an AssertionError where something is lost; prints what was said of refused writes.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from index.embedding import FactsEmbedder
from index.errors import StoreError
from index.fusion import EMBEDDED
from index.retrieval import Index
from index.store import Memory
from index.vectors import Vectors
from tests.index.durable import (
    QUERY,
    Held,
    after,
    answers,
    filled,
    held,
    learnt_record,
    restored,
    step,
)

ROOMS = (0, 500, 4_000, 5_500, 9_000, 20_500, 33_000, 50_500, 90_000, 150_500)
"""Bytes that are left on the disk: less than one page to some dozen writes."""


class Disk:
    """A small file system, filled by a file beside the memory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fill(self, room: int) -> None:
        """Leave `room` bytes."""
        with (self.folder / "ballast").open("wb") as file:
            found = os.statvfs(self.folder)
            file.write(bytes(max(0, found.f_bavail * found.f_frsize - room)))

    def free(self) -> None:
        """Have room again."""
        (self.folder / "ballast").unlink(missing_ok=True)


class Limit(Disk):
    """A limit on the size of files: they grow by at most `room` bytes."""

    def fill(self, room: int) -> None:
        largest = max(path.stat().st_size for path in self.folder.rglob("*"))
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest + room, resource.RLIM_INFINITY))

    def free(self) -> None:
        unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)


Said = list[tuple[str, str, str]]


def write(memory: Memory, state: Held, start: int, refused: int) -> tuple[Held, Said]:
    """Do steps until so many were refused; what should be held, and what was said."""
    said: Said = []
    for n in range(start, start + 40):
        try:
            step(memory, n)
        except StoreError as error:
            said.append((error.code, error.message, error.mend))
            if len(said) == refused:
                break
        else:
            state = after(state, n)
    return state, said


def tell(said: Said, work: Callable[[], None]) -> None:
    """Do something that a full disk may refuse."""
    try:
        work()
    except StoreError as error:
        said.append((error.code, error.message, error.mend))


def memory_on(disk: Disk, room: int, other: Path) -> Said:
    """Write until the disk is full and beyond, then make room; what was said."""
    folder = disk.folder / "m"
    state = filled(folder, 24)

    def same() -> None:
        with Memory(folder / "memory.db") as again:
            assert held(again) == state

    with Memory(folder / "memory.db") as memory:
        disk.fill(room)
        state, said = write(memory, state, 24, refused=6)
        assert held(memory) == state, "what was refused left no trace, the rest is there"
        same()
        tell(said, memory.compact)
        assert held(memory) == state
        if room % 1000:  # goes on as it is; otherwise it is closed on the full disk
            disk.free()
            state, _ = write(memory, state, 1000, refused=1)
    disk.fill(room)
    same()
    said += opened_on(folder, state)
    disk.free()
    same()
    said += older_on(disk, folder, room, state)
    with Memory(folder / "memory.db") as memory:
        for n in range(4000, 4010):
            step(memory, n)
            state = after(state, n)
        assert memory.damage() is None
        assert not any("damaged" in note for note in memory.notes)
    same()
    assert restored(other / "restored", folder / "memory.journal") == state
    shutil.rmtree(folder)
    return said


def opened_on(folder: Path, state: Held) -> Said:
    """Search a memory on a full disk, and write to it; what was said where that was refused."""
    said: Said = []
    with Memory(folder / "memory.db") as memory:
        assert held(memory) == state
        with Index(memory, embedder=FactsEmbedder(), corpus=None) as index:
            assert index.search(QUERY, 5)
        if memory.read_only:
            assert any("can't be written" in note for note in memory.notes)
            for work in (lambda: memory.add(learnt_record(1)), memory.compact):
                tell(said, work)
            assert len(said) == 2
        assert held(memory) == state
    return said


def older_on(disk: Disk, folder: Path, room: int, state: Held) -> Said:
    """Open a file that is behind its journal on a full disk; what was said."""
    for suffix in ("-wal", "-shm"):
        assert not (folder / f"memory.db{suffix}").exists()
    kept = (folder / "memory.db").read_bytes()
    older = folder.with_name("older")
    filled(older, 24)
    shutil.copyfile(older / "memory.db", folder / "memory.db")
    shutil.rmtree(older)
    disk.fill(room)
    said = opened_on(folder, state)
    disk.free()
    (folder / "memory.db").write_bytes(kept)
    return said


def indexes_on(disk: Disk, room: int, other: Path) -> list[str]:
    """Search with both indexes on a full disk; what was noted."""
    with Memory(other / "memory.db") as memory:
        new = answers(memory, other / "new" / "chroma")
        (disk.folder / "i").mkdir()
        disk.fill(room)
        assert answers(memory, disk.folder / "i" / "chroma") == new
        chroma = disk.folder / "i" / "chroma"
        with Index(memory, chroma, FactsEmbedder(), corpus=None) as index:
            index.search(QUERY, 5)
            notes = list(index.notes)
        disk.free()
        assert answers(memory, chroma) == new
    shutil.rmtree(disk.folder / "i")
    return notes


def searched_on(disk: Disk, room: int) -> None:
    """Search a memory that is on the full disk itself: what was not embedded, by words."""
    folder = disk.folder / "s"
    filled(folder, 24)
    with Memory(folder / "memory.db") as memory:
        memory.add(learnt_record(2000))
        disk.fill(room)
        with Index(memory, embedder=FactsEmbedder(), corpus=None) as index:
            assert len(index.search(QUERY, 5)) == 5
            assert index.passages(QUERY, 2)
            assert any(note.startswith("searched by words alone: ") for note in index.notes)
            disk.free()
            index.search(QUERY, 5)
            assert Vectors(memory, FactsEmbedder.identity).missing(kinds=EMBEDDED) == ()
    shutil.rmtree(folder)


def main(folder: Path, other: Path, mode: str) -> None:
    """All rooms, one after the other; of some the folder for temporary files is full as well."""
    disk = Disk(folder) if mode == "disk" else Limit(folder)
    rooms = ROOMS if mode == "disk" else ROOMS[::2]  # a limit lies on a slower disk
    heard: set[tuple[str, str, str]] = set()
    for number, room in enumerate(rooms):
        tempfile.tempdir = str(folder) if number % 2 == 0 else None
        heard |= set(memory_on(disk, room, other))
    tempfile.tempdir = None
    said = sorted(heard)
    filled(other, 48)
    notes = [indexes_on(disk, room, other) for room in (0, 20_000, 200_000)]
    if mode == "disk":  # a limit leaves room in the smaller files
        searched_on(disk, 0)
    print(json.dumps({"said": said, "notes": notes}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
