"""Results as the faces read them: suggestions, refusals and jobs in one SQLite file (WAL).

The engine writes, every front reads; a front that only wants to know whether anything changed
compares `Results.counter`. All of it can be rebuilt, so an older or corrupt file is replaced by an
empty one; a file of a newer version is left alone and named.
"""

from __future__ import annotations

import fcntl
import json
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from optimizer.errors import ResultsError
from optimizer.suggestion import Rejection, State, Suggestion, suggestion_from_json, to_json

SCHEMA = 1
JobState = Literal["running", "done", "failed", "cancelled"]

_TABLES = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
CREATE TABLE suggestions (
    id TEXT PRIMARY KEY, path TEXT NOT NULL, function TEXT NOT NULL, state TEXT NOT NULL,
    created REAL NOT NULL, body TEXT NOT NULL, proved_text TEXT NOT NULL);
CREATE INDEX suggestions_by_path ON suggestions (path, function);
CREATE TABLE rejections (
    path TEXT NOT NULL, function TEXT NOT NULL, title TEXT NOT NULL, stage TEXT NOT NULL,
    reason TEXT NOT NULL, created REAL NOT NULL);
CREATE INDEX rejections_by_path ON rejections (path, function);
CREATE TABLE jobs (
    id TEXT PRIMARY KEY, path TEXT, function TEXT, state TEXT NOT NULL, message TEXT NOT NULL,
    created REAL NOT NULL, updated REAL NOT NULL);
"""
_KEPT_JOBS = 200


@dataclass(frozen=True)
class Job:
    """One job of the engine; times are seconds since the epoch."""

    id: str
    path: str | None
    function: str | None
    state: JobState
    message: str
    created: float
    updated: float


def _open(path: Path) -> sqlite3.Connection:
    # Autocommit: transactions are opened explicitly by _write. Used from any thread under a lock.
    connection = sqlite3.connect(path, timeout=5.0, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA synchronous=NORMAL")
    return connection


def _create(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("BEGIN IMMEDIATE")
    try:
        if connection.execute("PRAGMA user_version").fetchone()[0] != SCHEMA:
            for statement in _TABLES.split(";"):
                if statement.strip():
                    connection.execute(statement)
            connection.execute("INSERT INTO meta VALUES ('counter', 0)")
            connection.execute(f"PRAGMA user_version = {SCHEMA}")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


class Results:
    """The results of one workspace. Safe to use from several threads and processes.

    Raises ResultsError when the folder can't be written or the file is of a newer version.
    """

    def __init__(self, state_dir: Path) -> None:
        self.path = state_dir / "results.db"
        self._lock = threading.Lock()
        try:
            state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._connection = self._ready()
        except (OSError, sqlite3.OperationalError) as error:
            raise ResultsError(
                f"{state_dir}: results can't be kept: {error}",
                code="state-unwritable",
                mend="make the folder writable, or set XDG_STATE_HOME to one that is",
            ) from error

    def _ready(self) -> sqlite3.Connection:
        """A connection to a file of this schema; an unusable file is replaced."""
        connection: sqlite3.Connection | None = None
        try:
            connection = _open(self.path)
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version == SCHEMA:
                connection.execute("SELECT value FROM meta").fetchone()
                return connection
            tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
            if version == 0 and tables == 0:
                self._create(connection)
                return connection
        except sqlite3.OperationalError as error:
            if "no such table" not in str(error):
                raise
            version = 0
        except sqlite3.DatabaseError:
            version = 0
        if connection is not None:
            connection.close()
        if version > SCHEMA:
            raise ResultsError(
                f"{self.path}: written by a newer version of hasten (schema {version}, "
                f"this one reads {SCHEMA})",
                code="results-newer",
                mend="update hasten, or delete the file: results can be found again",
            )
        for suffix in ("", "-wal", "-shm"):
            Path(f"{self.path}{suffix}").unlink(missing_ok=True)
        connection = _open(self.path)
        self._create(connection)
        return connection

    def _create(self, connection: sqlite3.Connection) -> None:
        """Make the tables, one process after another: SQLite does not wait to become a WAL."""
        with Path(f"{self.path}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            _create(connection)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("UPDATE meta SET value = value + 1")
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def _rows(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._connection.execute(query, values).fetchall()

    @property
    def counter(self) -> int:
        """Grows with each change by anyone; one indexed read."""
        value: int = self._rows("SELECT value FROM meta WHERE name = 'counter'")[0][0]
        return value

    def put(self, suggestion: Suggestion, proved_text: str) -> None:
        """Keep a suggestion; it replaces what was verified or stale for the same function.

        `proved_text` is the whole file that its replacements refer to. One that the user rejected
        stays rejected.
        """
        body = json.dumps(to_json(suggestion))
        with self._write() as db:
            rejected = "SELECT 1 FROM suggestions WHERE id = ? AND state = 'rejected'"
            if db.execute(rejected, (suggestion.id,)).fetchone() is not None:
                return
            db.execute(
                "DELETE FROM suggestions WHERE path = ? AND function = ?"
                " AND state IN ('verified', 'stale', 'running', 'hint')",
                (suggestion.path, suggestion.function),
            )
            db.execute(
                "INSERT OR REPLACE INTO suggestions VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    suggestion.id,
                    suggestion.path,
                    suggestion.function,
                    suggestion.state,
                    time.time(),
                    body,
                    proved_text,
                ),
            )

    def get(self, id: str) -> Suggestion | None:
        """The suggestion of that id, or of the one id that starts so."""
        rows = self._rows("SELECT state, body FROM suggestions WHERE id = ?", (id,))
        if not rows and id:
            like = id.replace("\\", "").replace("%", "").replace("_", "") + "%"
            rows = self._rows("SELECT state, body FROM suggestions WHERE id LIKE ?", (like,))
        return _suggestion(*rows[0]) if len(rows) == 1 else None

    def proved_text(self, id: str) -> str | None:
        """The whole file that a suggestion's replacements refer to."""
        rows = self._rows("SELECT proved_text FROM suggestions WHERE id = ?", (id,))
        return str(rows[0][0]) if rows else None

    def suggestions_for(
        self, path: str, states: Iterable[State] = ("verified", "stale", "accepted")
    ) -> tuple[Suggestion, ...]:
        """The suggestions of one file, newest first."""
        return tuple(s for s in self._suggestions("WHERE path = ?", (path,)) if s.state in states)

    def all_suggestions(self) -> tuple[Suggestion, ...]:
        """Every suggestion, newest first."""
        return tuple(self._suggestions("", ()))

    def _suggestions(self, where: str, values: Sequence[Any]) -> Iterator[Suggestion]:
        query = f"SELECT state, body FROM suggestions {where} ORDER BY created DESC, id"
        for state, body in self._rows(query, values):
            found = _suggestion(state, body)
            if found is not None:
                yield found

    def mark(self, id: str, state: State) -> bool:
        """Give a suggestion another state; False when there is none of that id."""
        with self._write() as db:
            changed = db.execute("UPDATE suggestions SET state = ? WHERE id = ?", (state, id))
            return changed.rowcount > 0

    def put_rejections(self, path: str, function: str, rejected: Iterable[Rejection]) -> None:
        """Keep what the last search of a function refused, in place of the search before."""
        now = time.time()
        with self._write() as db:
            db.execute("DELETE FROM rejections WHERE path = ? AND function = ?", (path, function))
            db.executemany(
                "INSERT INTO rejections VALUES (?, ?, ?, ?, ?, ?)",
                [(r.path, r.function, r.title, r.stage, r.reason, now) for r in rejected],
            )

    def rejections_for(self, path: str, function: str | None = None) -> tuple[Rejection, ...]:
        """What was tried and refused in a file, or for one function of it."""
        query = "SELECT path, function, title, stage, reason FROM rejections WHERE path = ?"
        values = (path,) if function is None else (path, function)
        if function is not None:
            query += " AND function = ?"
        return tuple(Rejection(*row) for row in self._rows(query + " ORDER BY rowid", values))

    def start_job(self, id: str, path: str | None, function: str | None) -> None:
        """A job began."""
        now = time.time()
        with self._write() as db:
            db.execute(
                "INSERT INTO jobs VALUES (?, ?, ?, 'running', '', ?, ?)",
                (id, path, function, now, now),
            )
            db.execute(
                "DELETE FROM jobs WHERE state != 'running' AND id NOT IN"
                " (SELECT id FROM jobs ORDER BY created DESC LIMIT ?)",
                (_KEPT_JOBS,),
            )

    def update_job(self, id: str, state: JobState, message: str) -> None:
        """What a job is at, or how it ended."""
        with self._write() as db:
            db.execute(
                "UPDATE jobs SET state = ?, message = ?, updated = ? WHERE id = ?",
                (state, message, time.time(), id),
            )

    def fail_orphans(self, message: str) -> int:
        """Jobs that no living engine runs become failed; called by the engine that just began."""
        with self._write() as db:
            return db.execute(
                "UPDATE jobs SET state = 'failed', message = ?, updated = ?"
                " WHERE state = 'running'",
                (message, time.time()),
            ).rowcount

    def jobs(self, *, state: JobState | None = None) -> tuple[Job, ...]:
        """The jobs kept, newest first."""
        found = (Job(*row) for row in self._rows("SELECT * FROM jobs ORDER BY created DESC, id"))
        return tuple(j for j in found if state is None or j.state == state)


def _suggestion(state: State, body: str) -> Suggestion | None:
    with suppress(Exception):  # a row of another shape is as good as none: it can be found again
        return replace(suggestion_from_json(json.loads(body)), state=state)
    return None
