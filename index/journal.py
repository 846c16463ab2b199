"""What was learnt, line by line in a second file: the memory can be completed from it.

Each line is a checksum and a JSON array [kind, values]; the first line names the journal and those
that it took the place of. A line that a kill or a full disk cut off, or whose bytes changed, is
left out when read, and counted. Lines are appended inside of the memory's transactions, so that
only one process writes at a time. The memory keeps the `Mark` up to which it has seen the journal:
that tells a memory's file that is older than the journal, new, or of another memory.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import os
import shutil
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

_SUM = 16
_JOURNAL = "journal"
_BLOCK = 1 << 16
_HEAD = 1 << 14
"""Bytes that a first line has at most."""
ANCESTORS = 100
"""Journals that are remembered to have been replaced."""
_ENDS = 100
"""Ends of those that are remembered."""


@dataclass(frozen=True)
class Entry:
    """One thing that was learnt: kind ("record", "accepted", ...) and what that kind needs."""

    kind: str
    values: dict[str, Any]


@dataclass(frozen=True)
class Mark:
    """A place in a journal: its name, "" for none, and bytes from its start.

    `line` is the checksum of the line before it: copies of one journal that went different ways
    have other lines there.
    """

    name: str = ""
    size: int = 0
    line: str = ""

    def __str__(self) -> str:
        return f"{self.name} {self.size} {self.line}".rstrip() if self.name else ""

    @classmethod
    def parse(cls, text: str) -> Mark:
        """A mark from its text; no mark from anything else."""
        name, size, line = (*text.split(" "), "", "", "")[:3]
        return cls(name, int(size), line) if size.isdecimal() and len(size) < 20 else cls()


class Journal:
    """The file at `path`, made with the first entry. Nothing is read before it is asked for."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def end(self) -> Mark:
        """The end of the last whole line; no mark where there is none. Raises OSError."""
        try:
            with self.path.open("rb") as file:
                head = file.readline(_HEAD)
                descriptor = file.fileno()
                size = _whole(descriptor, os.fstat(descriptor).st_size)
                return Mark(_name(head), size, _line_before(descriptor, size)) if size else Mark()
        except FileNotFoundError:
            return Mark()

    def has(self, mark: Mark) -> bool:
        """Whether a line ends at a mark, and is the one that ended there when it was made."""
        with contextlib.suppress(OSError), self.path.open("rb") as file:
            if _name(file.readline(_HEAD)) == mark.name and mark.size:
                descriptor = file.fileno()
                ends = os.pread(descriptor, 1, mark.size - 1) == b"\n"
                return ends and mark.line in ("", _line_before(descriptor, mark.size))
        return False

    def ancestors(self) -> tuple[str, ...]:
        """Names of the journals that this one took the place of, newest first."""
        return tuple(filter(_is_name, self._head("before")))

    def _head(self, key: str) -> list[Any]:
        """A list in the first line; nothing where that can't be believed."""
        with contextlib.suppress(OSError), self.path.open("rb") as file:
            entry = _parse(file.readline(_HEAD))
            if entry is not None and entry.kind == _JOURNAL:
                found = entry.values.get(key)
                return found if isinstance(found, list) else []
        return []

    def follows(self, mark: Mark) -> bool:
        """Whether it took the place of a journal that had this mark, as far as anybody knows.

        A copy of that one may have gone on beside it.
        """
        if mark.name not in self.ancestors():
            return False
        ends = [Mark.parse(str(text)) for text in self._head("ends")]
        ends = [end for end in ends if end.name == mark.name]
        return mark in ends or mark.size < min((end.size for end in ends), default=mark.size + 1)

    def append(self, entries: Iterable[Entry]) -> Mark:
        """Add entries, wait until they are on the disk, and give the new end.

        Raises OSError; then nothing was added.
        """
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            size = os.fstat(descriptor).st_size
            whole = _whole(descriptor, size)
            if whole < size:  # a kill cut the last line off; nobody was told that it is there
                os.ftruncate(descriptor, whole)
            lines = [_line(entry) for entry in entries]
            if not whole:
                lines.insert(0, _first())
            try:
                _write(descriptor, lines)
                if not whole:
                    _sync_folder(self.path.parent)
            except OSError:
                os.ftruncate(descriptor, whole)
                raise
            head = os.pread(descriptor, _HEAD, 0).partition(b"\n")[0] + b"\n"
            return Mark(_name(head), whole + sum(map(len, lines)), _start(lines[-1]))
        finally:
            os.close(descriptor)

    def retract(self, added: Mark, to: Mark) -> None:
        """Take back what was added behind `to`, where nothing else came since. Raises OSError."""
        if self.end() == added:
            os.truncate(self.path, to.size)

    def replace(
        self, entries: Iterable[Entry], before: Iterable[str], ends: Iterable[Mark]
    ) -> Mark:
        """Write the journal anew with these entries alone, in one step.

        `before` names the journals whose place it takes, `ends` are marks that those had, both
        newest first. Raises OSError.
        """
        part = self.path.with_name(f"{self.path.name}.part")
        names = tuple(dict.fromkeys(name for name in before if name))[:ANCESTORS]
        head = _first(names, tuple(dict.fromkeys(str(end) for end in ends if end.name))[:_ENDS])
        size, line = 0, head
        try:
            descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                for line in itertools.chain([head], map(_line, entries)):
                    file.write(line)
                    size += len(line)
                file.flush()
                os.fsync(descriptor)
            part.replace(self.path)
            _sync_folder(self.path.parent)
        except BaseException:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
            raise
        return Mark(_name(head), size, _start(line))

    def keep(self) -> Path:
        """A second name for the file as it is, before it is replaced. Raises OSError."""
        stamp = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%S%f")
        kept = self.path.with_name(f"{self.path.name}.kept-{stamp}")
        second_name(self.path, kept)
        return kept

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


def second_name(path: Path, name: Path) -> None:
    """Let a file have another name as well, or a copy that is as private. Raises OSError."""
    try:
        os.link(path, name)
    except OSError:  # not every file system has links
        descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as copy, path.open("rb") as file:
            shutil.copyfileobj(file, copy)
            copy.flush()
            os.fsync(copy.fileno())


def _first(before: tuple[str, ...] = (), ends: tuple[str, ...] = ()) -> bytes:
    values = {"name": uuid.uuid4().hex, "before": list(before), "ends": list(ends)}
    return _line(Entry(_JOURNAL, values))


def _line(entry: Entry) -> bytes:
    text = json.dumps([entry.kind, entry.values]).encode("ascii")
    return _sum(text) + b" " + text + b"\n"


def _sum(text: bytes) -> bytes:
    return hashlib.blake2b(text, digest_size=_SUM // 2).hexdigest().encode()


def _parse(line: bytes) -> Entry | None:
    text = line[_SUM + 1 : -1]
    if not line.endswith(b"\n") or line[:_SUM] != _sum(text) or line[_SUM : _SUM + 1] != b" ":
        return None
    try:
        kind, values = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        return None
    return Entry(kind, values) if isinstance(values, dict) else None


def _write(descriptor: int, lines: Iterable[bytes]) -> None:
    data = b"".join(lines)
    written = 0
    while written < len(data):
        written += os.write(descriptor, data[written:])
    os.fsync(descriptor)


def _sync_folder(folder: Path) -> None:
    """A new name is on the disk when its folder is; not every file system can do that."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


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


def _line_before(descriptor: int, end: int) -> str:
    """What the line that ends at `end` starts with: its checksum, in hex."""
    return _start(os.pread(descriptor, _SUM, _whole(descriptor, end - 1)))


def _start(line: bytes) -> str:
    return line[:_SUM].hex()


def _name(line: bytes) -> str:
    """A journal's name from its first line; one by its bytes where that line is damaged."""
    entry = _parse(line)
    if entry is not None and entry.kind == _JOURNAL and _is_name(entry.values.get("name")):
        return str(entry.values["name"])
    return hashlib.sha256(line).hexdigest()[:32] if line else ""


def _is_name(value: Any) -> bool:
    """Whether it can be told apart in a mark."""
    return isinstance(value, str) and value.isascii() and value.isalnum() and len(value) <= 64
