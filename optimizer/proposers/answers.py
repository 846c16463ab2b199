"""What models answered, kept in the state folder so that the same call is paid for once."""

from __future__ import annotations

import hashlib
import sqlite3
import threading
import time
from contextlib import suppress
from pathlib import Path

_SCHEMA = 1
_KEPT = 5_000


class AnswerCache:
    """Replies by prompt, model and attempt. Never holds a key; a broken file is an empty cache."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        for _ in range(2):  # the second time after a broken or older file was removed
            try:
                self._connection = self._open(path)
                return
            except sqlite3.DatabaseError:
                with suppress(OSError):
                    path.unlink(missing_ok=True)
            except OSError:
                return

    @staticmethod
    def _open(path: Path) -> sqlite3.Connection:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        db = sqlite3.connect(path, timeout=5.0, isolation_level=None, check_same_thread=False)
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, _SCHEMA):
            db.close()
            raise sqlite3.DatabaseError("another schema")
        db.execute("PRAGMA journal_mode=WAL")
        db.execute(
            "CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, reply TEXT NOT NULL,"
            " created REAL NOT NULL)"
        )
        db.execute(f"PRAGMA user_version = {_SCHEMA}")
        path.chmod(0o600)
        return db

    @staticmethod
    def key(prompt: str, model: str, api_base: str | None, attempt: int) -> str:
        """The name of one call. The server counts: one model name may mean another there."""
        return hashlib.sha256(
            "\0".join((prompt, model, api_base or "", str(attempt))).encode()
        ).hexdigest()

    def get(self, key: str) -> str | None:
        """The reply that was kept, or None."""
        if self._connection is None:
            return None
        with self._lock, suppress(sqlite3.Error):
            row = self._connection.execute(
                "SELECT reply FROM answers WHERE key = ?", (key,)
            ).fetchone()
            return str(row[0]) if row else None
        return None

    def put(self, key: str, reply: str) -> None:
        """Keep a reply; the oldest are dropped."""
        if self._connection is None:
            return
        with self._lock, suppress(sqlite3.Error):
            self._connection.execute(
                "INSERT OR REPLACE INTO answers VALUES (?, ?, ?)", (key, reply, time.time())
            )
            self._connection.execute(
                "DELETE FROM answers WHERE key IN (SELECT key FROM answers"
                " ORDER BY created DESC LIMIT -1 OFFSET ?)",
                (_KEPT,),
            )
