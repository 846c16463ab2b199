"""The tables of the memory's file, and how an older one becomes one of today."""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3

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
    (
        # Who has a vector, newest first, is answered by the index alone.
        "DROP INDEX vectors_digest",
        """CREATE INDEX vectors_digest
            ON vectors(embedder, kind, language, digest, revision DESC, item)""",
        # What ranking needs stands behind receipts and code in a row: an index has it at hand.
        """CREATE INDEX records_head
            ON records(id, title, edit, polarity, provenance, requires, rule)""",
        "CREATE INDEX records_claimed ON records(id) WHERE receipt IS NULL",
        "CREATE INDEX passages_revision ON passages(revision)",
    ),
)
SCHEMA = len(MIGRATIONS)


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the schema up to date, each step in its own transaction."""
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    for step in range(version, SCHEMA):
        connection.execute("BEGIN IMMEDIATE")
        try:
            for statement in MIGRATIONS[step]:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {step + 1}")
            if has_facts(connection):
                connection.execute(
                    "INSERT OR REPLACE INTO facts VALUES ('schema', ?)", (schema_sum(connection),)
                )
            connection.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):  # a full disk has rolled back already
                connection.execute("ROLLBACK")
            raise


def has_facts(connection: sqlite3.Connection) -> bool:
    """Whether there is a table of facts; the first two schemas had none."""
    found = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'facts'").fetchone()
    return found is not None


def schema_sum(connection: sqlite3.Connection) -> str:
    """A checksum of the tables, indexes and triggers as their texts stand in the file."""
    rows = connection.execute(
        "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite%' "
        "ORDER BY 1, 2"
    ).fetchall()
    whole = json.dumps(rows, default=repr)  # damage may have made a text of them bytes
    return hashlib.blake2b(whole.encode(), digest_size=8).hexdigest()
