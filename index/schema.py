"""Opening the memory's SQLite file: schema, migrations, and what is done with a bad file.

The file is the source of truth, so nothing here deletes one. A newer schema is refused before
anything is written; a damaged file is moved aside and what can still be read is copied out of it;
a file that can't be written is read into memory.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import hashlib
import json
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from index.errors import StoreError

# Each script turns schema n into n + 1 and runs in one transaction with the new version number.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE records (
            id TEXT PRIMARY KEY, language TEXT NOT NULL, slow TEXT NOT NULL, fast TEXT NOT NULL,
            title TEXT NOT NULL, bottleneck TEXT NOT NULL, edit TEXT NOT NULL, ratio REAL,
            polarity TEXT NOT NULL, provenance TEXT NOT NULL, receipt TEXT, created TEXT NOT NULL)
        """,
        """CREATE TABLE vectors (
            record_id TEXT NOT NULL REFERENCES records(id) ON DELETE CASCADE, kind TEXT NOT NULL,
            embedder TEXT NOT NULL, digest TEXT NOT NULL, vector BLOB NOT NULL,
            PRIMARY KEY (embedder, kind, record_id))""",
        "CREATE INDEX vectors_digest ON vectors(embedder, kind, digest)",
    ),
    (
        """CREATE TABLE accepted (
            id INTEGER PRIMARY KEY AUTOINCREMENT, suggestion TEXT NOT NULL, workspace TEXT NOT NULL,
            path TEXT NOT NULL, before TEXT NOT NULL, after TEXT NOT NULL,
            after_sha256 TEXT NOT NULL, created TEXT NOT NULL, undone TEXT)""",
        """CREATE TABLE refusals (
            fingerprint TEXT NOT NULL, interpreter TEXT NOT NULL, edit_key TEXT NOT NULL,
            outcome TEXT NOT NULL, reason TEXT NOT NULL, created TEXT NOT NULL,
            PRIMARY KEY (fingerprint, interpreter, edit_key)) WITHOUT ROWID""",
    ),
    (
        "CREATE TABLE facts (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
        "CREATE INDEX records_provenance ON records(provenance)",
        "CREATE INDEX accepted_path ON accepted(path)",
    ),
    (
        *(
            f"ALTER TABLE records ADD COLUMN {name} TEXT NOT NULL DEFAULT '{default}'"
            for name, default in (
                ("purpose", ""),
                ("facts", ""),
                ("shape", ""),
                ("steps", "[]"),
                ("sizes", "[]"),
                ("requires", "[]"),
                ("rule", ""),
                ("notice", ""),
                ("facts_by", ""),
            )
        ),
        # SQLite does not notice a flipped byte in a text: what is shown or undone is checked.
        "ALTER TABLE records ADD COLUMN sum TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE accepted ADD COLUMN sum TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE records ADD COLUMN revision INTEGER NOT NULL DEFAULT 0",
        "CREATE INDEX records_revision ON records(language, revision)",
        "CREATE INDEX records_facts ON records(facts_by)",
        # Vectors of records and of notes' passages alike; what others built from them (Chroma,
        # the word index) asks for what is new or gone since the revision that it last saw.
        "ALTER TABLE vectors RENAME TO old_vectors",
        "DROP INDEX vectors_digest",
        """CREATE TABLE vectors (
            item TEXT NOT NULL, kind TEXT NOT NULL, language TEXT NOT NULL,
            embedder TEXT NOT NULL, digest TEXT NOT NULL, vector BLOB NOT NULL,
            revision INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (embedder, kind, item))""",
        """INSERT INTO vectors (item, kind, language, embedder, digest, vector)
            SELECT record_id, kind, language, embedder, digest, vector
            FROM old_vectors JOIN records ON id = record_id""",
        "DROP TABLE old_vectors",
        "CREATE INDEX vectors_digest ON vectors(embedder, kind, language, digest)",
        "CREATE INDEX vectors_revision ON vectors(embedder, kind, language, revision)",
        "CREATE INDEX vectors_item ON vectors(item)",
        """CREATE TABLE gone (
            revision INTEGER NOT NULL, item TEXT NOT NULL, kind TEXT NOT NULL,
            language TEXT NOT NULL, embedder TEXT NOT NULL, digest TEXT NOT NULL)""",
        "CREATE INDEX gone_revision ON gone(revision)",
        """CREATE TRIGGER vector_gone AFTER DELETE ON vectors BEGIN
            INSERT INTO gone SELECT coalesce((SELECT CAST(value AS INTEGER) FROM facts
                WHERE key = 'generation'), 0),
                old.item, old.kind, old.language, old.embedder, old.digest;
            END""",
        """CREATE TRIGGER record_gone AFTER DELETE ON records BEGIN
            INSERT INTO gone SELECT coalesce((SELECT CAST(value AS INTEGER) FROM facts
                WHERE key = 'generation'), 0), old.id, 'record', old.language, '', '';
            DELETE FROM vectors WHERE item = old.id;
            END""",
        *(
            f"""CREATE TRIGGER record_{kind} AFTER UPDATE OF {kind} ON records
                WHEN old.{kind} != new.{kind} BEGIN
                DELETE FROM vectors WHERE item = old.id AND kind = '{kind}';
                END"""
            for kind in ("facts", "purpose")
        ),
        """CREATE TABLE notes (
            id TEXT PRIMARY KEY, source TEXT NOT NULL, sha256 TEXT NOT NULL,
            added TEXT NOT NULL) WITHOUT ROWID""",
        """CREATE TABLE passages (
            id TEXT PRIMARY KEY, note TEXT NOT NULL REFERENCES notes(id) ON DELETE CASCADE,
            source TEXT NOT NULL, section TEXT NOT NULL, text TEXT NOT NULL, line INTEGER NOT NULL,
            revision INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID""",
        """CREATE TRIGGER passage_gone AFTER DELETE ON passages BEGIN
            INSERT INTO gone SELECT coalesce((SELECT CAST(value AS INTEGER) FROM facts
                WHERE key = 'generation'), 0), old.id, 'passage', 'note', '', '';
            DELETE FROM vectors WHERE item = old.id;
            END""",
        # A failure holds for the libraries it was seen with.
        "ALTER TABLE refusals RENAME TO old_refusals",
        """CREATE TABLE refusals (
            fingerprint TEXT NOT NULL, interpreter TEXT NOT NULL,
            libraries TEXT NOT NULL DEFAULT '', edit_key TEXT NOT NULL, outcome TEXT NOT NULL,
            reason TEXT NOT NULL, created TEXT NOT NULL,
            PRIMARY KEY (fingerprint, interpreter, libraries, edit_key)) WITHOUT ROWID""",
        """INSERT INTO refusals (fingerprint, interpreter, edit_key, outcome, reason, created)
            SELECT fingerprint, interpreter, edit_key, outcome, reason, created
            FROM old_refusals""",
        "DROP TABLE old_refusals",
    ),
    (
        # A flipped byte in a key hides a row without an error, one in a text is believed.
        "ALTER TABLE records ADD COLUMN derived TEXT NOT NULL DEFAULT ''",
        *(
            f"ALTER TABLE {table} ADD COLUMN sum TEXT NOT NULL DEFAULT ''"
            for table in ("refusals", "notes", "passages")
        ),
        "ALTER TABLE passages ADD COLUMN number INTEGER NOT NULL DEFAULT 0",
        "CREATE INDEX accepted_sum ON accepted(sum)",
        # A journal or a file that is put back to an earlier state must not bring it again.
        """CREATE TABLE forgotten (
            kind TEXT NOT NULL, item TEXT NOT NULL, PRIMARY KEY (kind, item)) WITHOUT ROWID""",
    ),
)
SCHEMA = len(MIGRATIONS)
_TABLES = (
    "records", "vectors", "accepted", "refusals", "facts", "notes", "passages", "forgotten",
)  # fmt: skip
_NEWER = 1000
"""A version that is so much newer is none: its bytes are damaged."""
_CHECKED_BYTES = 64 << 20  # the check reads all of the file: about 1 ms per MB
_DISK = ("locked", "I/O", "full", "unable to open", "out of memory", "interrupted")
"""What SQLite says where not the file is to blame. Everything else is said of a damaged one."""
_SQLITE = (sqlite3.DatabaseError, UnicodeDecodeError)
"""The second where what SQLite says quotes a damaged text."""


@dataclass(frozen=True)
class Opened:
    """An open connection; `notes` say what a person should know about how it was opened."""

    connection: sqlite3.Connection
    read_only: bool
    notes: tuple[str, ...]


class _Damaged(Exception):
    """The file is no SQLite database, or its pages contradict each other."""


def open_database(path: Path) -> Opened:
    """Open the memory at `path`, made or migrated as needed.

    Raises StoreError with code memory-newer, memory-unreadable or memory-busy. A file or folder
    that can't be written gives a read-only copy in memory, with a note.
    """
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not _writable(path):
        return _open_copy(path)
    notes: list[str] = []
    try:
        with exclusive(path.with_name(path.name + ".lock")):
            try:
                connection = _connect(path)
            except _Damaged as damage:
                connection = _start_again(path, damage, notes)
    except OSError as error:
        raise _unreadable(path, error) from error
    return Opened(connection, False, tuple(notes))


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
    try:
        connection = sqlite3.connect(
            path, timeout=10.0, isolation_level=None, check_same_thread=False
        )
    except sqlite3.OperationalError as error:
        raise _unreadable(named, error) from error
    try:
        # Asked of SQLite: whoever opens the file beside it and closes that lets go of all locks
        # that this process has on it (fcntl(2)), also those of other connections.
        _refuse_newer(connection.execute("PRAGMA user_version").fetchone()[0], named)
        _check(connection, path)
        # FULL: undo and rejections are worth one fsync each, also against a power cut.
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        migrate(connection)
        path.chmod(0o600)  # it holds the user's code
    except BaseException as error:
        connection.close()
        if isinstance(error, _SQLITE):
            if any(words in str(error) for words in _DISK):
                raise _unreadable(named, error) from error
            raise _Damaged(str(error)) from error
        raise
    return connection


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


def _check(connection: sqlite3.Connection, path: Path) -> None:
    """The pages, the indexes (a wrong one hides rows) and the schema's own text."""
    if path.stat().st_size <= _CHECKED_BYTES:
        found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if found != "ok":
            raise _Damaged(str(found))
    if _has_facts(connection):
        kept = connection.execute("SELECT value FROM facts WHERE key = 'schema'").fetchone()
        if kept is not None and kept[0] != _schema_sum(connection):
            raise _Damaged("its tables are not those that were made")


def _has_facts(connection: sqlite3.Connection) -> bool:
    found = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'facts'").fetchone()
    return found is not None


def _schema_sum(connection: sqlite3.Connection) -> str:
    """A checksum of the tables, indexes and triggers as their texts stand in the file."""
    rows = connection.execute(
        "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite%' "
        "ORDER BY 1, 2"
    ).fetchall()
    whole = json.dumps(rows, default=repr)  # damage may have made a text of them bytes
    return hashlib.blake2b(whole.encode(), digest_size=8).hexdigest()


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the schema up to date, each step in its own transaction."""
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    for step in range(version, SCHEMA):
        connection.execute("BEGIN IMMEDIATE")
        try:
            for statement in MIGRATIONS[step]:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {step + 1}")
            if _has_facts(connection):
                connection.execute(
                    "INSERT OR REPLACE INTO facts VALUES ('schema', ?)", (_schema_sum(connection),)
                )
            connection.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):  # a full disk has rolled back already
                connection.execute("ROLLBACK")
            raise


def _start_again(path: Path, damage: _Damaged, notes: list[str]) -> sqlite3.Connection:
    """Move the damaged file aside, start a new one and copy over what still reads."""
    stamp = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%S%f")
    aside = path.with_name(f"{path.name}.damaged-{stamp}")
    for suffix in ("-wal", "-shm", ""):  # the log first: it belongs to the old file only
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
    try:
        connection = _connect(path)
    except _Damaged as error:
        raise _unreadable(path, error) from error
    saved = _salvage(aside, connection)
    # What is missing now is not known to anything that these facts were true of.
    connection.execute(
        "DELETE FROM facts WHERE key IN ('identity', 'journal', 'journals') OR key LIKE 'corpus:%'"
    )
    notes.append(
        f"{path} was damaged ({damage}); it was kept as {aside} and {saved} rows were read from it"
    )
    return connection


def _salvage(source: Path, target: sqlite3.Connection) -> int:
    """Copy what still reads, row by row; returns the number of rows."""
    saved = 0
    target.execute("PRAGMA foreign_keys=OFF")
    with contextlib.suppress(*_SQLITE):
        old = sqlite3.connect(source, isolation_level=None)
        old.text_factory = functools.partial(str, encoding="utf-8", errors="replace")
        with contextlib.closing(old):
            for table in _TABLES:
                saved += _salvage_table(old, target, table)
    target.execute("PRAGMA foreign_keys=ON")
    target.execute(
        "DELETE FROM vectors "
        "WHERE item NOT IN (SELECT id FROM records UNION SELECT id FROM passages)"
    )
    target.execute("DELETE FROM passages WHERE note NOT IN (SELECT id FROM notes)")
    return saved


def _salvage_table(old: sqlite3.Connection, target: sqlite3.Connection, table: str) -> int:
    saved, has = 0, set[str]()
    with contextlib.suppress(*_SQLITE):
        has = {row[1] for row in old.execute(f"PRAGMA table_info({table})")}
    names = [row[1] for row in target.execute(f"PRAGMA table_info({table})") if row[1] in has]
    columns, marks = ", ".join(names), ", ".join("?" * len(names))
    if not names:
        return 0
    target.execute("BEGIN")
    with contextlib.suppress(*_SQLITE):  # from the first unreadable page on, nothing is read
        known = " WHERE id IS NOT NULL" if table == "records" else ""  # the others refuse it
        for row in old.execute(f"SELECT {columns} FROM {table}{known}"):
            with contextlib.suppress(*_SQLITE):
                target.execute(f"INSERT OR IGNORE INTO {table} ({columns}) VALUES ({marks})", row)
                saved += 1
    target.execute("COMMIT")
    return saved


def _open_copy(path: Path) -> Opened:
    """A copy in memory of a file that can't be written, its write-ahead log included."""
    notes = [f"{path} can't be written: nothing is remembered until {path.parent} is writable"]
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    try:
        with tempfile.TemporaryDirectory(prefix="hasten-") as folder:
            copy = Path(folder) / "memory.db"
            for suffix in ("", "-wal"):
                with contextlib.suppress(FileNotFoundError):
                    shutil.copyfile(path.with_name(path.name + suffix), f"{copy}{suffix}")
            try:
                opened = _connect(copy, path)
            except _Damaged as damage:
                opened = _start_again(copy, damage, [])
                notes.append(f"{path} is damaged ({damage}): what could not be read is left out")
            with contextlib.closing(opened):
                opened.backup(connection)
        connection.execute("PRAGMA foreign_keys=ON")
    except (OSError, *_SQLITE) as error:
        connection.close()
        raise StoreError(
            f"{path}: can't be read: {error}",
            code="memory-unreadable",
            mend=f"make {path.parent} readable and writable for this user, or set XDG_DATA_HOME",
        ) from error
    except BaseException:
        connection.close()
        raise
    return Opened(connection, True, tuple(notes))
