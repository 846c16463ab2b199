"""coverage.py's data files, read as hostile ones: SQLite that can do nothing but be read.

The layout is that of coverage's schema 7, written since version 5.0
(https://coverage.readthedocs.io/en/latest/dbschema.html): without branches a row of `line_bits` for
each file and context (line n is bit n % 8 of byte n // 8), with branches a row of `arc` for each
jump; negative numbers stand for the entry and the exit of a code object.

Such a file is taken for hostile (https://www.sqlite.org/security.html): opened read-only and
immutable, so that nothing is written beside it; the tables must be word for word those that
coverage writes, so that no view, virtual table or generated column is evaluated; an authorizer lets
through nothing but reading those tables; rows, sizes and steps are bounded.
"""

from __future__ import annotations

import re
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

MAGIC = b"SQLite format 3\0"
"""How such a file begins; https://sqlite.org/fileformat.html."""
SCHEMA = 7
MOST_NUMBITS = 8 << 10
"""Bytes of one set of lines: files of 65536 lines."""
MOST_LINE = 8 * MOST_NUMBITS
MOST_NAME = 500
_STEP = 1000
_OPEN_STEPS = 200_000
"""Steps of SQLite's machine until the schema is read: coverage's needs a few hundred."""
_READ_STEPS = 100_000_000
"""Steps for all queries of one file: some millions of arcs."""
_MOST_ROWS = 200_000
"""Of one query."""
_MOST_VALUE = 1 << 20

_FOREIGN = "foreign key(file_id)references file(id),foreign key(context_id)references context(id)"
_TABLES = {
    "coverage_schema": "version integer",
    "file": "id integer primary key,path text,unique(path)",
    "context": "id integer primary key,context text,unique(context)",
    "line_bits": "file_id integer,context_id integer,numbits blob,"
    f"{_FOREIGN},unique(file_id,context_id)",
    "arc": "file_id integer,context_id integer,fromno integer,tono integer,"
    f"{_FOREIGN},unique(file_id,context_id,fromno,tono)",
}


class CantUse(Exception):
    """A data file that is not read; its text says why."""


def printable(text: str, most: int = 100) -> str:
    """A text by others, fit to be shown."""
    return "".join(c if c.isprintable() else "?" for c in text[:most])


class CoverageData:
    """One connection that can do nothing but read coverage's tables.

    Its methods raise CantUse, and sqlite3.Error where the file is damaged.
    """

    def __init__(self, path: Path) -> None:
        self._left = _OPEN_STEPS
        uri = f"{path.as_uri()}?mode=ro&immutable=1"
        self._connection = sqlite3.connect(uri, uri=True, isolation_level=None)
        try:
            if sys.version_info >= (3, 11):
                self._connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MOST_VALUE)
            self._connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
            self._connection.set_progress_handler(self._step, _STEP)
            for setting in (
                "trusted_schema = OFF", "cell_size_check = ON", "mmap_size = 0",
                "temp_store = MEMORY", "query_only = ON",
            ):  # fmt: skip
                self._connection.execute(f"PRAGMA {setting}")
            self._connection.set_authorizer(_allowed)
            self._check()
        except BaseException:
            self._connection.close()
            raise
        self._left = _READ_STEPS

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _step(self) -> int:
        """SQLite asks whether to go on."""
        self._left -= _STEP
        return int(self._left < 0)

    def rows(self, query: str, *values: int | str) -> Iterator[tuple[object, ...]]:
        """The rows of a query."""
        left = _MOST_ROWS
        try:
            for row in self._connection.execute(query, values):
                left -= 1
                if left < 0:
                    raise CantUse(f"has more than {_MOST_ROWS} rows for one file")
                yield row
        except sqlite3.OperationalError as error:
            if self._left < 0:
                raise CantUse("takes too long to read") from error
            raise

    def _check(self) -> None:
        """Raises CantUse unless the tables are coverage's."""
        marks = ",".join("?" * len(_TABLES))
        query = f"""SELECT name, sql FROM sqlite_master
                    WHERE name IN ({marks}) AND length(CAST(sql AS BLOB)) < 4000"""
        found = {name: sql for name, sql in self.rows(query, *_TABLES) if isinstance(sql, str)}
        for name, columns in _TABLES.items():
            if _normal(found.get(name, "")) != f"create table {name}({columns})":
                raise CantUse(f"has no table {name} as coverage.py writes it")
        for (version,) in self.rows("SELECT CAST(version AS INTEGER) FROM coverage_schema"):
            if version != SCHEMA:
                raise CantUse(f"has a schema other than {SCHEMA}")

    def contexts(self) -> dict[int, str]:
        """Names of the contexts by their numbers; the empty one, of imports, is left out."""
        # as BLOB: the length of a TEXT ends at its first NUL, however long it is
        query = f"""SELECT id, context FROM context
                    WHERE length(CAST(context AS BLOB)) BETWEEN 1 AND {MOST_NAME}"""
        return {
            key: name
            for key, name in self.rows(query)
            if isinstance(key, int) and isinstance(name, str)
        }


def _allowed(
    action: int, first: str | None, second: str | None, base: str | None, inner: str | None
) -> int:
    """SQLite asks whether a query may do this; `inner` names the view or trigger that wants it."""
    if inner is None:
        if action == sqlite3.SQLITE_SELECT:
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_READ and first in {*_TABLES, "sqlite_master"}:
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_FUNCTION and second in ("length", "typeof"):
            return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY


def _normal(sql: str) -> str:
    """SQL without comments and in one spelling of its blanks."""
    bare = " ".join(re.sub(r"--[^\n]*", "", sql).split()).lower()
    return re.sub(r"\s*([(),])\s*", r"\1", bare)
