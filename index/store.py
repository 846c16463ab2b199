"""Memory: the source of truth for records, vectors, accepted edits and refusals.

One SQLite file in WAL mode. What a method has returned from is on disk: every write is one
transaction with an fsync. Everything else (Chroma, BM25) is built from it and can be thrown away.
This module needs the standard library only.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from hasten.paths import data_dir
from index.errors import StoreError
from index.record import KINDS, AcceptedEdit, Kind, Polarity, Record, Refusal
from index.schema import open_database

_RECORD = [field.name for field in fields(Record)]
_ACCEPTED = [field.name for field in fields(AcceptedEdit)]
_REFUSAL = [field.name for field in fields(Refusal)]


def now() -> str:
    """The time as records carry it: UTC, ISO 8601, whole seconds."""
    return datetime.now(timezone.utc).replace(microsecond=0).isoformat()


class Memory:
    """The memory's file; a context manager, safe to use from several threads.

    `path` defaults to ``memory.db`` in the user's data folder. `notes` say what a person should
    know about how it was opened (damaged and moved aside, read-only). Raises StoreError.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path if path is not None else data_dir() / "memory.db"
        opened = open_database(self.path)
        self.read_only = opened.read_only
        self.notes = opened.notes
        self._connection = opened.connection
        self._lock = threading.RLock()

    def __enter__(self) -> Memory:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; the object can't be used afterwards."""
        with self._lock:
            self._connection.close()

    # -- records

    def add(self, record: Record) -> None:
        """Remember a record; one with the same id is replaced (its vectors stay)."""
        self.add_all((record,))

    def add_all(self, records: Iterable[Record]) -> int:
        """Remember records in one transaction; returns how many."""
        self._lasting("a record")
        with self._write() as connection:
            return self._put(connection, records)

    def get(self, record: str) -> Record | None:
        """The record with this id."""
        rows = self._read(f"SELECT {', '.join(_RECORD)} FROM records WHERE id = ?", record)
        return _record(rows[0]) if rows else None

    def all(self, language: str | None = None) -> tuple[Record, ...]:
        """All records, oldest first, of one language or of all."""
        where, values = ("WHERE language = ? ", (language,)) if language else ("", ())
        rows = self._read(
            f"SELECT {', '.join(_RECORD)} FROM records {where}ORDER BY created, id", *values
        )
        return tuple(_record(row) for row in rows)

    def some(self, ids: Iterable[str]) -> dict[str, Record]:
        """Those of `ids` that are records, by id."""
        rows = self._read(
            f"SELECT {', '.join(_RECORD)} FROM records "
            "WHERE id IN (SELECT value FROM json_each(?))",
            json.dumps(list(ids)),
        )
        return {row[0]: _record(row) for row in rows}

    def titles(self, provenance: str, polarity: Polarity) -> frozenset[str]:
        """Case-folded titles of one polarity whose provenance starts with `provenance`."""
        rows = self._read(
            "SELECT DISTINCT title FROM records "
            "WHERE substr(provenance, 1, length(?1)) = ?1 AND polarity = ?2",
            provenance,
            polarity,
        )
        return frozenset(str(row[0]).casefold() for row in rows)

    def remove(self, ids: Iterable[str]) -> None:
        """Forget records and their vectors."""
        self._lasting("that a record is forgotten")
        with self._write() as connection:
            connection.executemany("DELETE FROM records WHERE id = ?", [(i,) for i in ids])
            _bump(connection)

    def replace_corpus(self, name: str, version: str, records: Sequence[Record]) -> None:
        """Make `records` the only ones whose provenance starts with ``<name>:``.

        `version` is kept as the fact ``corpus:<name>``. Allowed on a read-only memory, where it
        lasts as long as the object: the corpus is shipped, not learnt.
        """
        with self._write() as connection:
            keep = {record.id for record in records}
            old = connection.execute(
                "SELECT id FROM records WHERE substr(provenance, 1, ?) = ?",
                (len(name) + 1, f"{name}:"),
            ).fetchall()
            gone = [row for row in old if row[0] not in keep]
            connection.executemany("DELETE FROM records WHERE id = ?", gone)
            self._put(connection, records)
            _set_fact(connection, f"corpus:{name}", version)

    def fact(self, key: str) -> str | None:
        """A small value kept beside the records, or None."""
        rows = self._read("SELECT value FROM facts WHERE key = ?", key)
        return str(rows[0][0]) if rows else None

    def generation(self) -> int:
        """A number that grows with every change to records or vectors, by any process."""
        return int(self.fact("generation") or 0)

    # -- vectors (little-endian float32); equal ones share a digest and are searched once

    def missing_vectors(self, embedder: str) -> tuple[tuple[str, Kind, str], ...]:
        """(record id, kind, text) of every vector that this embedder has yet to make."""
        found: list[tuple[str, Kind, str]] = []
        for kind in KINDS:
            rows = self._read(
                f"SELECT id, {kind} FROM records WHERE id NOT IN "
                "(SELECT record_id FROM vectors WHERE embedder = ? AND kind = ?) ORDER BY id",
                embedder,
                kind,
            )
            found += [(row[0], kind, row[1]) for row in rows]
        return tuple(found)

    def put_vectors(self, embedder: str, rows: Iterable[tuple[str, Kind, bytes]]) -> None:
        """Keep vectors; those of records that are gone meanwhile are dropped."""
        with self._write() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO vectors (record_id, kind, embedder, digest, vector) "
                "SELECT id, ?2, ?3, ?4, ?5 FROM records WHERE id = ?1",
                [(i, kind, embedder, _digest(vector), vector) for i, kind, vector in rows],
            )
            _bump(connection)

    def digests(self, embedder: str, kind: Kind, language: str) -> tuple[str, ...]:
        """Digests of the different vectors of one embedder, kind and language, in order."""
        rows = self._read(
            "SELECT DISTINCT digest FROM vectors JOIN records ON id = record_id "
            "WHERE embedder = ? AND kind = ? AND language = ? ORDER BY digest",
            embedder,
            kind,
            language,
        )
        return tuple(row[0] for row in rows)

    def vectors(
        self, embedder: str, kind: Kind, digests: Iterable[str]
    ) -> tuple[tuple[str, bytes], ...]:
        """(digest, vector) of those of `digests` that there are, ordered by digest."""
        rows = self._read(
            "SELECT digest, vector FROM vectors WHERE embedder = ? AND kind = ? "
            "AND digest IN (SELECT value FROM json_each(?)) GROUP BY digest ORDER BY digest",
            embedder,
            kind,
            json.dumps(list(digests)),
        )
        return tuple((row[0], row[1]) for row in rows)

    def holders(
        self, embedder: str, kind: Kind, language: str, digests: Sequence[str], most: int
    ) -> tuple[tuple[str, ...], ...]:
        """For each digest the ids of its records, at most the `most` newest of each."""
        rows = self._read(
            "SELECT digest, record_id FROM vectors JOIN records ON id = record_id "
            "WHERE embedder = ? AND kind = ? AND language = ? "
            "AND digest IN (SELECT value FROM json_each(?)) ORDER BY created DESC, record_id",
            embedder,
            kind,
            language,
            json.dumps(list(digests)),
        )
        found: dict[str, list[str]] = {}
        for digest, record in rows:
            found.setdefault(digest, []).append(record)
        return tuple(tuple(found[digest][:most]) for digest in digests if digest in found)

    def languages(self) -> tuple[str, ...]:
        """Languages that have records."""
        return tuple(row[0] for row in self._read("SELECT DISTINCT language FROM records"))

    def has_other_vectors(self, embedder: str, size: int) -> bool:
        """Whether this embedder has vectors that are not `size` bytes long."""
        return bool(
            self._read(
                "SELECT 1 FROM vectors WHERE embedder = ? AND length(vector) != ? LIMIT 1",
                embedder,
                size,
            )
        )

    def drop_vectors(self, *, keep: str | None = None, only: str | None = None) -> None:
        """Forget the vectors of every embedder but `keep`, or `only` those of one."""
        with self._write() as connection:
            connection.execute(
                "DELETE FROM vectors WHERE embedder IS NOT ?1 AND (?2 IS NULL OR embedder = ?2)",
                (keep, only),
            )
            _bump(connection)

    # -- accepted edits

    def accept(self, edit: AcceptedEdit) -> AcceptedEdit:
        """Remember an edit for undo, before the file is written; returns it with its id.

        Stored first, so that a kill between the two leaves an edit whose file has other bytes
        than `after_sha256`, which undo sees, and never a changed file without its way back.
        """
        self._lasting("an accepted edit")
        names = [name for name in _ACCEPTED if name != "id"]
        with self._write() as connection:
            cursor = connection.execute(
                f"INSERT INTO accepted ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})",
                [getattr(edit, name) for name in names],
            )
            return replace(edit, id=cursor.lastrowid)

    def accepted(
        self, *, path: str | None = None, suggestion: str | None = None, undone: bool = False
    ) -> tuple[AcceptedEdit, ...]:
        """Accepted edits, newest first; those that were undone only if `undone`."""
        rows = self._read(
            f"SELECT {', '.join(_ACCEPTED)} FROM accepted WHERE (?1 IS NULL OR path = ?1) "
            "AND (?2 IS NULL OR suggestion = ?2) AND (?3 OR undone IS NULL) ORDER BY id DESC",
            path,
            suggestion,
            undone,
        )
        return tuple(AcceptedEdit(*row) for row in rows)

    def mark_undone(self, edit: int) -> None:
        """Remember that an accepted edit was taken back; the row stays."""
        self._lasting("an undone edit")
        with self._write() as connection:
            connection.execute("UPDATE accepted SET undone = ? WHERE id = ?", (now(), edit))

    # -- refusals

    def record_outcome(self, refusal: Refusal) -> None:
        """Remember that an edit was rejected or failed; a later outcome replaces an earlier one.

        A user's rejection is never replaced by a failure.
        """
        self._lasting("a rejected edit")
        with self._write() as connection:
            connection.execute(
                f"INSERT INTO refusals ({', '.join(_REFUSAL)}) VALUES (?, ?, ?, ?, ?, ?) "
                "ON CONFLICT(fingerprint, interpreter, edit_key) DO UPDATE SET "
                "outcome = excluded.outcome, reason = excluded.reason, created = excluded.created "
                "WHERE excluded.outcome = 'rejected' OR outcome = 'failed'",
                [getattr(refusal, name) for name in _REFUSAL],
            )

    def refusals(self, fingerprint: str, interpreter: str) -> dict[str, Refusal]:
        """What was refused for a function on an interpreter, by edit key."""
        rows = self._read(
            f"SELECT {', '.join(_REFUSAL)} FROM refusals WHERE fingerprint = ? AND interpreter = ?",
            fingerprint,
            interpreter,
        )
        return {row[2]: Refusal(*row) for row in rows}

    # -- inside

    def counts(self) -> dict[str, int]:
        """Rows of each table, for statistics."""
        tables = ("records", "vectors", "accepted", "refusals")
        return {t: int(self._read(f"SELECT count(*) FROM {t}")[0][0]) for t in tables}

    def damage(self) -> str | None:
        """What SQLite's full integrity check finds wrong, or None."""
        try:
            found = str(self._read("PRAGMA integrity_check(1)")[0][0])
        except sqlite3.DatabaseError as error:
            return str(error)
        return None if found == "ok" else found

    def _put(self, connection: sqlite3.Connection, records: Iterable[Record]) -> int:
        updates = ", ".join(f"{name} = excluded.{name}" for name in _RECORD[1:])
        cursor = connection.executemany(
            f"INSERT INTO records ({', '.join(_RECORD)}) VALUES ({', '.join('?' * len(_RECORD))}) "
            f"ON CONFLICT(id) DO UPDATE SET {updates}",  # not REPLACE: that would drop the vectors
            [_row(record) for record in records],
        )
        _bump(connection)
        return max(cursor.rowcount, 0)

    def _lasting(self, what: str) -> None:
        if self.read_only:
            raise StoreError(
                f"{self.path}: {what} can't be remembered, the file or its folder is read-only",
                code="memory-read-only",
                mend=f"make {self.path.parent} writable, or set XDG_DATA_HOME to another folder",
            )

    def _read(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._connection.execute(sql, values).fetchall()

    @contextlib.contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
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
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):  # a full disk has rolled back already
                    self._connection.execute("ROLLBACK")
                raise


def _bump(connection: sqlite3.Connection) -> None:
    connection.execute(
        "INSERT INTO facts VALUES ('generation', '1') "
        "ON CONFLICT(key) DO UPDATE SET value = CAST(value AS INTEGER) + 1"
    )


def _set_fact(connection: sqlite3.Connection, key: str, value: str) -> None:
    connection.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (key, value))


def _digest(vector: bytes) -> str:
    return hashlib.sha256(vector).hexdigest()[:24]


def _row(record: Record) -> list[object]:
    values = [getattr(record, name) for name in _RECORD]
    at = _RECORD.index("receipt")
    values[at] = None if record.receipt is None else json.dumps(record.receipt, sort_keys=True)
    return values


def _record(row: tuple[Any, ...]) -> Record:
    values = dict(zip(_RECORD, row, strict=True))
    receipt = values["receipt"]
    values["receipt"] = json.loads(receipt) if isinstance(receipt, str) else None
    return Record(**values)
