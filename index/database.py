"""The memory's file and its journal as one thing that is read and written, whole or not at all.

One SQLite file in WAL mode, and beside it a journal of everything that was learnt. What a write has
returned from is on disk in both. Standard library only.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, TypeVar

from hasten.paths import data_dir
from index.errors import StoreError
from index.journal import Entry, Journal
from index.schema import open_database

D = TypeVar("D", bound="Database")


def now() -> str:
    """The time as records carry it: UTC, ISO 8601, whole seconds."""
    return datetime.now(timezone.utc).replace(microsecond=0).isoformat()


class Database:
    """The open file; a context manager, safe to use from several threads. Raises StoreError."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path if path is not None else data_dir() / "memory.db"
        opened = open_database(self.path)
        self.read_only = opened.read_only
        self._notes = list(opened.notes)
        self._connection = opened.connection
        self._lock = threading.RLock()
        self._journal = Journal(self.path.with_suffix(".journal"))
        try:
            if not self.identity:
                self.set_fact("identity", uuid.uuid4().hex)
            self._complete()
        except BaseException:
            self._connection.close()
            raise

    def _complete(self) -> None:
        """What must be done before anything is read."""

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
        return str(rows[0][0]) if rows else None

    def set_fact(self, key: str, value: str) -> None:
        """Keep a small value beside the records."""
        with self.write() as connection:
            set_fact(connection, key, value)

    def generation(self) -> int:
        """A number that grows with every change, by any process; each row carries its own."""
        return int(self.fact("generation") or 0)

    @property
    def identity(self) -> str:
        """Names this file and its history: one that was put back to an earlier state has another.

        Whatever was built from a memory keeps it, to know whose revisions it has seen.
        """
        return self.fact("identity") or ""

    def read(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Rows of a query."""
        with self._lock:
            return self._connection.execute(sql, values).fetchall()

    @contextlib.contextmanager
    def write(self, entries: Sequence[Entry] = ()) -> Iterator[sqlite3.Connection]:
        """One transaction, with a new generation; `entries` go to the journal before it is done.

        Raises StoreError where another process holds the file for longer than ten seconds.
        """
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                raise StoreError(
                    f"{self.path}: can't be written: {error}",
                    code="memory-busy",
                    mend="close other hasten processes, then try again",
                ) from error
            try:
                _bump(self._connection)
                yield self._connection
                self._note(*entries)
                self._connection.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):  # a full disk has rolled back already
                    self._connection.execute("ROLLBACK")
                raise

    @staticmethod
    def revision(connection: sqlite3.Connection) -> int:
        """The generation that a transaction makes: what its rows are marked with."""
        found = connection.execute("SELECT value FROM facts WHERE key = 'generation'").fetchone()
        return int(found[0])

    def _note(self, *entries: Entry) -> None:
        if entries and not self.read_only:
            try:
                mark = self._journal.append(entries)
            except OSError as error:
                raise self._unwritable(error) from error
            set_fact(self._connection, "journal", str(mark))

    def _unwritable(self, error: OSError) -> StoreError:
        return StoreError(
            f"{self._journal.path}: can't be written: {error.strerror or error}",
            code="memory-unwritable",
            mend="free space on the disk or check the permissions; nothing was changed",
        )

    def _lasting(self, what: str) -> None:
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


def set_fact(connection: sqlite3.Connection, key: str, value: str) -> None:
    """Keep a small value, in a transaction that is under way."""
    connection.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (key, value))
