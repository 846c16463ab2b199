"""The memory's file and its journal as one thing that is read and written, whole or not at all.

One SQLite file in WAL mode, and beside it a journal of everything that was learnt. What a write has
returned from is on disk in both; a write that raised is in neither. Standard library only.
"""

from __future__ import annotations

import contextlib
import functools
import sqlite3
import threading
import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, TypeVar

from hasten.paths import data_dir
from index.errors import StoreError
from index.journal import Entry, Journal, Mark
from index.opening import PATIENCE_S, Opened, in_memory, open_database, without_room

D = TypeVar("D", bound="Database")

_MEND = "free space on the disk or check the permissions; nothing was changed"
_SESSIONS = 500
"""Sessions that are remembered: who built an index before them builds it anew."""
_MARKS = 1000
"""Ends of the journal that are remembered: an older journal, or a copy's, has one of them."""


def now() -> str:
    """The time as records carry it: UTC, ISO 8601, whole seconds."""
    return datetime.now(timezone.utc).replace(microsecond=0).isoformat()


class Database:
    """The open file; a context manager, safe to use from several threads. Raises StoreError."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path if path is not None else data_dir() / "memory.db"
        opened = open_database(self.path)
        self._use(opened)
        self._lock = threading.RLock()
        self._journal = Journal(self.path.with_suffix(".journal"))
        self._session, self._signed = uuid.uuid4().hex, False
        self._added: tuple[Mark, Mark] | None = None
        try:
            try:
                self._begin()
            except StoreError as error:
                if self.read_only or error.code != "memory-unwritable":
                    raise
                self._go_on_in_memory(error, opened.notes)
        except BaseException:
            self._connection.close()
            raise

    def _use(self, opened: Opened) -> None:
        self.read_only, self._cause = opened.read_only, opened.cause
        self._notes = list(opened.notes)
        self._connection = opened.connection
        # A damaged text must not make the rows beside it unreadable: its checksum will tell.
        self._connection.text_factory = functools.partial(
            str, encoding="utf-8", errors="surrogateescape"
        )

    def _begin(self) -> None:
        self._complete()
        if not self.identity:
            self.set_fact("identity", uuid.uuid4().hex)

    def _go_on_in_memory(self, error: StoreError, notes: tuple[str, ...]) -> None:
        """Have what the file and its journal hold, on a disk that has no room to complete them."""
        cause = error.__cause__ or error
        try:
            copy = in_memory(self._connection)
        except sqlite3.Error as unread:
            raise error from unread
        self._connection.close()
        self._use(Opened(copy, True, (*notes, without_room(self.path, cause)), str(cause)))
        self._begin()

    def _complete(self) -> None:
        """What must be done before anything is read."""

    def _started(self) -> None:
        """A transaction begins."""

    def _rolled_back(self) -> None:
        """A transaction was not done: whatever was noted of it is not true."""

    def _catch_up(self, connection: sqlite3.Connection) -> None:
        """What must be done before anything is written: bring in what the journal is ahead."""

    def __enter__(self: D) -> D:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; the object can't be used afterwards."""
        with self._lock:
            self._connection.close()

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know about the file."""
        return tuple(dict.fromkeys(self._notes))

    def fact(self, key: str) -> str | None:
        """A small value kept beside the records, or None."""
        rows = self.read("SELECT value FROM facts WHERE key = ?", key)
        if not rows:
            return None
        return str(rows[0][0]).encode("utf-8", "replace").decode()  # it may be damaged

    def set_fact(self, key: str, value: str) -> None:
        """Keep a small value beside the records."""
        with self.write() as connection:
            set_fact(connection, key, value)

    def try_fact(self, key: str, value: str) -> bool:
        """As `set_fact`, unless that fails or another process is writing just now; whether it was
        kept."""
        with self._lock:
            try:
                self._connection.execute("PRAGMA busy_timeout=0")
                self.set_fact(key, value)
            except (StoreError, sqlite3.Error):
                return False
            finally:
                self._connection.execute(f"PRAGMA busy_timeout={PATIENCE_S * 1000:.0f}")
        return True

    def number(self, key: str) -> int:
        """A fact that is a number; 0 where there is none."""
        rows = self.read("SELECT CAST(value AS INTEGER) FROM facts WHERE key = ?", key)
        return int(rows[0][0]) if rows else 0

    def generation(self) -> int:
        """A number that grows with every change, by any process; each row carries its own."""
        return self.number("generation")

    @property
    def identity(self) -> str:
        """Names this file and its copies."""
        return self.fact("identity") or ""

    def state(self, revision: int) -> str:
        """Names what this memory held at a revision, "" for one that it has not reached.

        Whatever was built from a memory keeps it. A file that was put back to an earlier state, or
        a copy that went another way, reaches the same revisions by other sessions.
        """
        if revision > self.generation():
            return ""
        rows = self.read(
            "SELECT value FROM facts WHERE key >= 'session:' AND key <= ? ORDER BY key DESC "
            "LIMIT 1",
            _session_key(revision),
        )
        return f"{self.identity} {rows[0][0] if rows else ''}"

    def read(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Rows of a query. Raises StoreError where the file can't be read."""
        with self._lock:
            try:
                return self._connection.execute(sql, values).fetchall()
            except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
                self._explain("read", error)
                raise

    @contextlib.contextmanager
    def write(self, entries: Sequence[Entry] = ()) -> Iterator[sqlite3.Connection]:
        """One transaction, with a new generation; `entries` go to the journal before it is done.

        Raises StoreError where another process holds the file for longer than ten seconds, and
        where the disk is full; then nothing was changed.
        """
        with self._locked() as connection:
            _bump(connection)
            if not self._signed:
                _sign(connection, self.revision(connection), self._session)
            if not self.read_only:
                self._catch_up(connection)
            yield connection
            self._note(*entries)
            connection.execute("COMMIT")
            self._added, self._signed = None, True

    @contextlib.contextmanager
    def _locked(self) -> Iterator[sqlite3.Connection]:
        """The file, with no other process writing to it; rolled back unless committed inside."""
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
            except sqlite3.DatabaseError as error:
                self._explain("written", error)
                raise
            self._started()
            try:
                yield self._connection
            except BaseException as error:
                self._rolled_back()
                if isinstance(error, (sqlite3.DatabaseError, UnicodeDecodeError)):
                    self._explain("written", error)
                raise
            finally:
                with contextlib.suppress(sqlite3.Error):  # a full disk has rolled back already
                    if self._connection.in_transaction:
                        self._connection.execute("ROLLBACK")
                if self._added is not None:
                    self._retract(*self._added)

    def _retract(self, to: Mark, added: Mark) -> None:
        """Take out of the journal what could not be committed, if no other process has it yet."""
        self._added = None
        with contextlib.suppress(StoreError, OSError), self._locked():
            seen = self._seen()
            if seen.name != added.name or seen.size <= to.size:
                self._journal.retract(added, to)

    @staticmethod
    def revision(connection: sqlite3.Connection) -> int:
        """The generation that a transaction makes: what its rows are marked with."""
        found = connection.execute(
            "SELECT CAST(value AS INTEGER) FROM facts WHERE key = 'generation'"
        ).fetchone()
        return int(found[0])

    def _seen(self) -> Mark:
        """Up to where this file holds what the journal has."""
        return Mark.parse(self.fact("journal") or "")

    def _set_seen(self, connection: sqlite3.Connection, mark: Mark) -> None:
        """From now on this file holds what the journal has up to a mark; it knows earlier ones."""
        set_fact(connection, "journal", str(mark))
        set_fact(connection, _mark_key(self.revision(connection)), str(mark))

    def _marks(self) -> list[Mark]:
        """The marks of what this file has seen, newest first."""
        rows = self.read(
            "SELECT value FROM facts WHERE key >= 'mark:' AND key < 'mark;' ORDER BY key DESC"
        )
        return [Mark.parse(str(row[0])) for row in rows]

    def _note(self, *entries: Entry) -> None:
        """Append to the journal, last in a transaction."""
        if entries and not self.read_only:
            try:
                before = self._journal.end()
                mark = self._journal.append(entries)
            except OSError as error:
                raise self._unwritable(error) from error
            self._added = (before, mark)
            # A process that still has a file open which was moved aside appends as well: what
            # it added is brought in with the next write.
            if before == self._seen():
                self._set_seen(self._connection, mark)

    def _explain(self, what: str, error: sqlite3.DatabaseError | UnicodeDecodeError) -> None:
        """Raise an error of the disk for a person, who needs the file's name; not our mistakes.

        SQLite's words can't be decoded where they quote a damaged text.
        """
        code, mend = "memory-unreadable", "check the disk and its permissions"
        if type(error) in (sqlite3.DatabaseError, UnicodeDecodeError):
            code = "memory-damaged"
            mend = "close all hasten processes: when it is opened again, it is completed from " + (
                self._journal.path.name
            )
        elif isinstance(error, sqlite3.ProgrammingError) and "closed" in str(error):
            code, mend = "memory-closed", "open the memory again: this object was closed"
        elif not isinstance(error, sqlite3.OperationalError):
            return
        elif "locked" in str(error):
            code, mend = "memory-busy", "close other hasten processes, then try again"
        elif what == "written":
            code, mend = "memory-unwritable", _MEND
        raise StoreError(f"{self.path}: can't be {what}: {error}", code=code, mend=mend) from error

    def _unwritable(self, error: OSError) -> StoreError:
        return StoreError(
            f"{self._journal.path}: can't be written: {error.strerror or error}",
            code="memory-unwritable",
            mend=_MEND,
        )

    def _lasting(self, what: str) -> None:
        if self._cause:
            raise StoreError(
                f"{self.path}: {what} can't be remembered: {self._cause}",
                code="memory-unwritable",
                mend="free space on the disk or check the permissions, then start hasten again",
            )
        if self.read_only:
            raise StoreError(
                f"{self.path}: {what} can't be remembered, the file or its folder is read-only",
                code="memory-read-only",
                mend=f"make {self.path.parent} writable, or set XDG_DATA_HOME to another folder",
            )


def _bump(connection: sqlite3.Connection) -> None:
    connection.execute(
        "INSERT INTO facts VALUES ('generation', '1') "
        "ON CONFLICT(key) DO UPDATE SET value = CAST(value AS INTEGER) + 1"
    )


def _sign(connection: sqlite3.Connection, revision: int, session: str) -> None:
    """From this revision on, what is written is by this session."""
    set_fact(connection, _session_key(revision), session)
    for what, most in (("session", _SESSIONS), ("mark", _MARKS)):
        connection.execute(
            "DELETE FROM facts WHERE key IN (SELECT key FROM facts WHERE key >= ? || ':' "
            "AND key < ? || ';' ORDER BY key DESC LIMIT -1 OFFSET ?)",
            (what, what, most),
        )


def _mark_key(revision: int) -> str:
    return f"mark:{max(revision, 0):020d}"


def _session_key(revision: int) -> str:
    return f"session:{max(revision, 0):020d}"


def set_fact(connection: sqlite3.Connection, key: str, value: str) -> None:
    """Keep a small value, in a transaction that is under way."""
    connection.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (key, value))
