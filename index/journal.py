"""What was learnt, line by line in a second file: the memory can be completed from it.

Each line is a checksum and a JSON array [kind, values]; the first line names the journal. A line
that a kill or a full disk cut off, or whose bytes changed, is left out when read, and counted.
Lines are appended inside of the memory's transactions, so that only one process writes at a time.
The memory keeps the `Mark` up to which it has seen the journal: that tells a memory's file that is
older than the journal, new, or of another memory.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SUM = 16
_JOURNAL = "journal"
_BLOCK = 1 << 16


@dataclass(frozen=True)
class Entry:
    """One thing that was learnt: kind ("record", "accepted", ...) and what that kind needs."""

    kind: str
    values: dict[str, Any]


@dataclass(frozen=True)
class Mark:
    """A place in a journal: its name, "" for none, and bytes from its start."""

    name: str = ""
    size: int = 0

    def __str__(self) -> str:
        return f"{self.name} {self.size}" if self.name else ""

    @classmethod
    def parse(cls, text: str) -> Mark:
        """A mark from its text; no mark from anything else."""
        name, _, size = text.partition(" ")
        return cls(name, int(size)) if size.isdigit() else cls()


class Journal:
    """The file at `path`, made with the first entry. Nothing is read before it is asked for."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def end(self) -> Mark:
        """The end of the file; no mark where there is none or it can't be read."""
        with contextlib.suppress(OSError), self.path.open("rb") as file:
            return Mark(_name(file.readline()), os.fstat(file.fileno()).st_size)
        return Mark()

    def append(self, entries: Iterable[Entry]) -> Mark:
        """Add entries, wait until they are on the disk, and give the new end.

        Raises OSError; then nothing was added.
        """
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            size = os.fstat(descriptor).st_size
            end = self.end()
            lines = [_line(entry) for entry in entries]
            whole = _whole(descriptor, size)
            if whole < size:  # a kill cut the last line off; nobody was told that it is there
                os.ftruncate(descriptor, whole)
                size = whole
            name = end.name
            if not size:
                name = uuid.uuid4().hex
                lines.insert(0, _line(Entry(_JOURNAL, {"name": name})))
            data = b"".join(lines)
            try:
                written = 0
                while written < len(data):
                    written += os.write(descriptor, data[written:])
                os.fsync(descriptor)
            except OSError:
                os.ftruncate(descriptor, size)
                raise
            return Mark(name, size + len(data))
        finally:
            os.close(descriptor)

    def replace(self, entries: Iterable[Entry]) -> Mark:
        """Write the journal anew with these entries alone, in one step. Raises OSError."""
        part = Journal(self.path.with_name(f"{self.path.name}.part"))
        part.path.unlink(missing_ok=True)
        mark = part.append(entries)
        part.path.replace(self.path)
        return mark

    def damage(self) -> str | None:
        """How many lines can't be believed, as a sentence, or None."""
        bad = sum(entry is None for entry in self.entries())
        return f"{self.path}: {bad} damaged lines" if bad else None

    def entries(self, start: int = 0) -> Iterator[Entry | None]:
        """What stands behind `start` bytes; None for each line that can't be believed.

        A last line without its end was cut off by a kill before anybody was told that it is there.
        """
        with contextlib.suppress(OSError), self.path.open("rb") as file:
            file.seek(start)
            for line in file:
                if line.endswith(b"\n"):
                    entry = _parse(line)
                    if entry is None or entry.kind != _JOURNAL:
                        yield entry


def _line(entry: Entry) -> bytes:
    text = json.dumps([entry.kind, entry.values]).encode("ascii")
    return _sum(text) + b" " + text + b"\n"


def _sum(text: bytes) -> bytes:
    return hashlib.blake2b(text, digest_size=_SUM // 2).hexdigest().encode()


def _parse(line: bytes) -> Entry | None:
    text = line[_SUM + 1 : -1]
    if not line.endswith(b"\n") or line[:_SUM] != _sum(text):
        return None
    kind, values = json.loads(text)
    return Entry(kind, values)


def _whole(descriptor: int, size: int) -> int:
    """Bytes up to the end of the last whole line."""
    at = size
    while at:
        start = max(0, at - _BLOCK)
        found = os.pread(descriptor, at - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        at = start
    return 0


def _name(line: bytes) -> str:
    """A journal's name from its first line; one by its bytes where that line is damaged."""
    entry = _parse(line)
    if entry is not None and entry.kind == _JOURNAL:
        return str(entry.values["name"])
    return hashlib.sha256(line).hexdigest()[:32] if line else ""
