"""Opening the memory's SQLite file, and what is done with a bad one.

The file is the source of truth, so nothing here deletes one. A newer schema is refused before
anything is written; a damaged file is moved aside once what can still be read was copied out of it;
a file that can't be written, or whose disk is full, is read into memory.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import functools
import os
import shutil
import sqlite3
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from index.errors import StoreError
from index.journal import second_name
from index.schema import SCHEMA, has_facts, migrate, schema_sum

_TABLES = (
    "records", "vectors", "accepted", "refusals", "facts", "notes", "passages", "forgotten",
)  # fmt: skip
PATIENCE_S = 10.0
"""How long is waited for another process that writes."""
_NEWER = 1000
"""A version that is so much newer is none: its bytes are damaged."""
_CHECKED_BYTES = 64 << 20  # the check reads all of the file: about 1 ms per MB
_CACHE_KIB = 16 << 10  # the upper pages of the indexes of 100,000 records
_EXTENT = ("count", "size")
_DISK = ("locked", "I/O", "full", "unable to open", "out of memory", "interrupted")
"""What SQLite says where not the file is to blame. Everything else is said of a damaged one."""
_SQLITE = (sqlite3.DatabaseError, UnicodeDecodeError)
"""The second where what SQLite says quotes a damaged text."""
_NO_ROOM = ("I/O", "full", "unable to open")
"""What SQLite says where there is no room for the files that it puts beside a memory."""
_NO_ROOM_CODES = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
_WAITING = ("locked", "out of memory", "interrupted")
"""What SQLite says of a file whose pages may well be read a moment later."""
_NEVER_SALVAGED = (
    "key NOT IN ('identity', 'journal', 'journals') "
    "AND key NOT LIKE 'corpus:%' AND key NOT LIKE 'mark:%' AND key NOT LIKE 'complete:%'"
)
"""Facts that are true of a whole file only: what it has seen of the journal and of the corpus, and
of which embedder it has all vectors."""


@dataclass(frozen=True)
class Opened:
    """An open connection; `notes` say what a person should know about how it was opened.

    `cause` is what stood in the way of a file that may be written and yet is `read_only`.
    """

    connection: sqlite3.Connection
    read_only: bool
    notes: tuple[str, ...]
    cause: str = ""


class _Damaged(Exception):
    """The file is no SQLite database, or its pages contradict each other."""


def open_database(path: Path) -> Opened:
    """Open the memory at `path`, made or migrated as needed.

    Raises StoreError with code memory-newer, memory-unreadable or memory-busy. A file or folder
    that can't be written, or a disk without room, gives a read-only copy in memory, with a note.
    """
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not _writable(path):
        note = f"{path} can't be written: nothing is remembered until {path.parent} is writable"
        return _open_copy(path, note)
    notes: list[str] = []
    try:
        with exclusive(path.with_name(path.name + ".lock")):
            try:
                connection = _connect(path)
            except _Damaged as damage:
                connection = _start_again(path, damage, notes)
    except OSError as error:
        if error.errno in _NO_ROOM_CODES:
            return _open_copy(path, without_room(path, error), str(error))
        raise _unreadable(path, error) from error
    except StoreError as error:
        cause = error.__cause__
        if isinstance(cause, sqlite3.OperationalError) and _says(cause, _NO_ROOM):
            return _open_copy(path, without_room(path, cause), str(cause))
        raise
    return Opened(connection, False, tuple(notes))


def without_room(path: Path, cause: object) -> str:
    """What a person should know of a memory that is read although it can't be written now."""
    return (
        f"{path}: can't be written ({cause}): what is there is searched, nothing is remembered "
        "until there is room on the disk and hasten is started again"
    )


def in_memory(connection: sqlite3.Connection) -> sqlite3.Connection:
    """A copy of an open memory that needs no disk. Raises sqlite3.Error."""
    copy = _memory()
    try:
        connection.backup(copy)
    except BaseException:
        copy.close()
        raise
    return copy


def _memory() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA foreign_keys=ON")
    return connection


def _says(error: Exception, words: tuple[str, ...]) -> bool:
    return any(word in str(error) for word in words)


@contextlib.contextmanager
def exclusive(lock: Path) -> Iterator[None]:
    """Hold the host-wide lock at `lock`; two processes never migrate or move a file at once."""
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _writable(path: Path) -> bool:
    effective = os.access in os.supports_effective_ids
    return os.access(path.parent, os.W_OK | os.X_OK, effective_ids=effective) and (
        not path.exists() or os.access(path, os.R_OK | os.W_OK, effective_ids=effective)
    )


def _connect(path: Path, named: Path | None = None) -> sqlite3.Connection:
    """Connect, check and migrate. Raises _Damaged or StoreError, which names the file `named`."""
    named = named or path
    _make_private(path)
    try:
        connection = sqlite3.connect(
            path, timeout=PATIENCE_S, isolation_level=None, check_same_thread=False
        )
    except sqlite3.OperationalError as error:
        raise _unreadable(named, error) from error
    try:
        # Asked of SQLite: whoever opens the file beside it and closes that lets go of all locks
        # that this process has on it (fcntl(2)), also those of other connections.
        _refuse_newer(connection.execute("PRAGMA user_version").fetchone()[0], named)
        _check(connection)
        # FULL: undo and rejections are worth one fsync each, also against a power cut.
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
        migrate(connection)
    except BaseException as error:
        connection.close()
        if isinstance(error, _SQLITE):
            if _says(error, _DISK):
                raise _unreadable(named, error) from error
            raise _Damaged(str(error)) from error
        raise
    return connection


def _make_private(path: Path) -> None:
    """Make the file this user's alone before anything is in it: it holds the user's code.

    What SQLite puts beside it gets its mode. Who may not change it (another one's file, a file
    system without modes) goes on with it as it is.
    """
    with contextlib.suppress(OSError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    for suffix in ("", "-wal", "-shm"):
        with contextlib.suppress(OSError):
            file = path.with_name(path.name + suffix)
            mode = file.stat().st_mode
            if stat.S_ISREG(mode) and mode & 0o077:
                file.chmod(0o600)


def _unreadable(path: Path, error: Exception) -> StoreError:
    return StoreError(
        f"{path}: can't be opened: {error}",
        code="memory-busy" if "locked" in str(error) else "memory-unreadable",
        mend="close other hasten processes, and check that the disk has room and may be written",
    )


def _refuse_newer(version: int, path: Path) -> None:
    if not 0 <= version <= SCHEMA + _NEWER:
        raise _Damaged(f"there is no schema {version}")
    if version > SCHEMA:
        raise StoreError(
            f"{path}: was written by a newer hasten (schema {version}, this one reads {SCHEMA}), "
            "unless it is damaged there",
            code="memory-newer",
            mend="upgrade hasten, or set XDG_DATA_HOME to another folder for this version; if "
            "there is no newer one, move the file away: what was learnt is in its journal, too",
        )


def _check(connection: sqlite3.Connection) -> None:
    """The pages, the indexes (a wrong one hides rows) and the schema's own text."""
    (pages, size) = (connection.execute(f"PRAGMA page_{w}").fetchone()[0] for w in _EXTENT)
    if pages * size <= _CHECKED_BYTES:
        found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if found != "ok":
            raise _Damaged(str(found))
    if has_facts(connection):
        kept = connection.execute("SELECT value FROM facts WHERE key = 'schema'").fetchone()
        if kept is not None and kept[0] != schema_sum(connection):
            raise _Damaged("its tables are not those that were made")


def _start_again(path: Path, damage: _Damaged, notes: list[str]) -> sqlite3.Connection:
    """Put a file with what still reads of a damaged one in its place, in one step.

    The damaged one stays beside it. A kill leaves the one or the other, never a part of either: a
    file that lacks rows and yet says what it has seen would be believed.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        saved = _read_over(path, part)
        aside = _put_aside(path)
        part.replace(path)
        connection = _connect(path)
    except (_Damaged, OSError, *_SQLITE) as error:
        _remove(part)
        if isinstance(error, OSError):
            raise
        raise _unreadable(path, error) from error
    notes.append(
        f"{path} was damaged ({damage}); it was kept as {aside} and {saved} rows were read from it"
    )
    return connection


def _read_over(damaged: Path, part: Path) -> int:
    """Make the file `part` of what still reads, closed and without a log; how many rows."""
    _remove(part)
    with contextlib.closing(_connect(part, damaged)) as connection:
        with contextlib.closing(sqlite3.connect(damaged, isolation_level=None)) as old:
            saved = _salvage(old, connection)
        connection.execute("PRAGMA journal_mode=DELETE")
    return saved


def _remove(part: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        with contextlib.suppress(OSError):
            part.with_name(part.name + suffix).unlink()


def _put_aside(path: Path) -> Path:
    """Give a damaged file a second name, and its log only that. Raises OSError."""
    stamp = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%S%f")
    aside = path.with_name(f"{path.name}.damaged-{stamp}")
    for suffix in ("-wal", "-shm"):  # the log first: it belongs to the old file only
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
    second_name(path, aside)
    return aside


def _salvage(old: sqlite3.Connection, target: sqlite3.Connection) -> int:
    """Copy what still reads, row by row, all of it or nothing; returns the number of rows.

    Raises sqlite3.Error where not the damage is in the way.
    """
    old.text_factory = functools.partial(str, encoding="utf-8", errors="replace")
    target.execute("PRAGMA foreign_keys=OFF")
    target.execute("BEGIN")
    saved = sum(_salvage_table(old, target, table) for table in _TABLES)
    target.execute(
        "DELETE FROM vectors "
        "WHERE item NOT IN (SELECT id FROM records UNION SELECT id FROM passages)"
    )
    target.execute("DELETE FROM passages WHERE note NOT IN (SELECT id FROM notes)")
    target.execute("COMMIT")
    target.execute("PRAGMA foreign_keys=ON")
    return saved


def _salvage_table(old: sqlite3.Connection, target: sqlite3.Connection, table: str) -> int:
    saved, has = 0, {row[1] for row in _readable(old, f"PRAGMA table_info({table})")}
    names = [row[1] for row in target.execute(f"PRAGMA table_info({table})") if row[1] in has]
    columns, marks = ", ".join(names), ", ".join("?" * len(names))
    if not names:
        return 0
    where = {"records": " WHERE id IS NOT NULL", "facts": f" WHERE {_NEVER_SALVAGED}"}
    for row in _readable(old, f"SELECT {columns} FROM {table}{where.get(table, '')}"):
        # What a column refuses; a full disk is no reason to leave a row out.
        with contextlib.suppress(sqlite3.IntegrityError, sqlite3.DataError):
            target.execute(f"INSERT OR IGNORE INTO {table} ({columns}) VALUES ({marks})", row)
            saved += 1
    return saved


def _readable(old: sqlite3.Connection, sql: str) -> Iterator[tuple[Any, ...]]:
    """Rows up to the first page that can't be read."""
    try:
        yield from old.execute(sql)
    except _SQLITE as error:
        if _says(error, _WAITING):
            raise


def _open_copy(path: Path, note: str, cause: str = "") -> Opened:
    """A copy in memory of a file that can't be written, its write-ahead log included.

    Where there is no room for that, without the log: what was learnt is in the journal, too.
    """
    notes = [note]
    connection = _memory()
    try:
        try:
            _copy_by_folder(path, connection, notes)
        except (OSError, StoreError, *_SQLITE) as error:
            if isinstance(error, StoreError) and error.code != "memory-unreadable":
                raise
            _copy_as_it_is(path, connection, notes)
    except (OSError, _Damaged, *_SQLITE) as error:
        connection.close()
        raise StoreError(
            f"{path}: can't be read: {error}",
            code="memory-unreadable",
            mend=f"make {path.parent} readable and writable for this user, or set XDG_DATA_HOME",
        ) from error
    except BaseException:
        connection.close()
        raise
    return Opened(connection, True, tuple(notes), cause)


def _copy_by_folder(path: Path, target: sqlite3.Connection, notes: list[str]) -> None:
    """Copy file and log to a folder of their own, which is mended there, and read that."""
    with tempfile.TemporaryDirectory(prefix="hasten-") as folder:
        copy = Path(folder) / "memory.db"
        for suffix in ("", "-wal"):
            with contextlib.suppress(FileNotFoundError):
                shutil.copyfile(path.with_name(path.name + suffix), f"{copy}{suffix}")
        try:
            opened = _connect(copy, path)
        except _Damaged as damage:
            opened = _start_again(copy, damage, [])
            notes.append(_left_out(path, damage))
        with contextlib.closing(opened):
            opened.backup(target)


def _copy_as_it_is(path: Path, target: sqlite3.Connection, notes: list[str]) -> None:
    """Read the file alone, with nothing made beside it or anywhere else."""
    if not path.exists():
        migrate(target)
        return
    where = f"{path.absolute().as_uri()}?immutable=1"
    with contextlib.closing(sqlite3.connect(where, uri=True, isolation_level=None)) as old:
        _refuse_newer(old.execute("PRAGMA user_version").fetchone()[0], path)
        try:
            _check(old)
            old.backup(target)
            migrate(target)
        except (_Damaged, *_SQLITE) as damage:
            with contextlib.closing(_memory()) as empty:
                empty.backup(target)
            migrate(target)
            _salvage(old, target)
            notes.append(_left_out(path, damage))


def _left_out(path: Path, damage: object) -> str:
    return f"{path} is damaged ({damage}): what could not be read is left out"
