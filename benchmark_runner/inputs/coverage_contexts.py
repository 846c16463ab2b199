"""What coverage data say of a function: the contexts under which lines of its body were executed.

coverage.py can record on whose behalf a line ran. The layout is that of its schema 7, written since
version 5.0 (https://coverage.readthedocs.io/en/latest/dbschema.html): without branches a row of
`line_bits` for each file and context (line n is bit n % 8 of byte n // 8), with branches a row of
`arc` for each jump; negative numbers stand for the entry and the exit of a code object. The empty
context is what ran outside of all others: imports.

The file lies in the workspace, so it is taken for hostile (https://www.sqlite.org/security.html):
opened read-only and immutable, so that nothing is written beside it; the tables must be word for
word those that coverage writes, so that no view, virtual table or generated column is evaluated;
an authorizer lets through nothing but reading those tables; rows, sizes and steps are bounded.
"""

from __future__ import annotations

import re
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from analysis.functions import functions_in
from analysis.text import LineIndex
from benchmark_runner.inputs.coverage_files import CantUse, DataFile, printable

_SCHEMA = 7
_STEP = 1000
_OPEN_STEPS = 200_000
"""Steps of SQLite's machine until the schema is read: coverage's needs a few hundred."""
_READ_STEPS = 100_000_000
"""Steps for all queries of one file: some millions of arcs."""
_MOST_ROWS = 200_000
_MOST_BODIES = 8
_MOST_NUMBITS = 8 << 10
_MOST_VALUE = 1 << 20
"""Bytes of one set of lines: files of 65536 lines."""
_MOST_NAME = 500
_MOST_LINE = 8 * _MOST_NUMBITS

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


@dataclass(frozen=True)
class FunctionLines:
    """Lines, from 1 on: first and last of the bodies of a function, and all that can hold code."""

    bodies: tuple[tuple[int, int], ...]
    code: frozenset[int]


@dataclass(frozen=True)
class Recorded:
    """What one data file says of a function.

    `reached` are the contexts that executed a line of its body, `others` the further ones of the
    file, if anything of the function's file was measured. `fits` tells whether the recorded lines
    can be those of the text.
    """

    data: DataFile
    reached: tuple[str, ...]
    others: tuple[str, ...]
    fits: bool


def lines_of(text: str, path: Path, qualname: str) -> FunctionLines:
    """Lines of every definition of that name: the body without `def`, which import executes."""
    index = LineIndex(text)
    bodies = [
        (index.line_of(f.body_start) + 1, index.line_of(max(f.end - 1, f.body_start)) + 1)
        for f in functions_in(text, str(path))
        if f.qualname == qualname
    ]
    code = set()
    for line in range(len(index.starts)):
        told = index.line_text(line).strip()
        if told and not told.startswith("#"):
            code.add(line + 1)
    return FunctionLines(tuple(bodies[-_MOST_BODIES:]), frozenset(code))


def recorded_in(data: DataFile, names: set[str], lines: FunctionLines) -> Recorded:
    """Read one data file; `names` are what it may call the function's file.

    Raises CantUse where it is none of coverage's, damaged, or takes too long to read.
    """
    try:
        with closing(_Reader(data.path)) as reader:
            return reader.recorded(data, names, lines)
    except (sqlite3.Error, sqlite3.Warning, OverflowError, ValueError) as error:
        raise CantUse(f"can't be read: {printable(str(error))}") from error


class _Reader:
    """One connection that can do nothing but read coverage's tables."""

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

    def _rows(self, query: str, *values: int | str) -> Iterator[tuple[object, ...]]:
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
        found = {name: sql for name, sql in self._rows(query, *_TABLES) if isinstance(sql, str)}
        for name, columns in _TABLES.items():
            if _normal(found.get(name, "")) != f"create table {name}({columns})":
                raise CantUse(f"has no table {name} as coverage.py writes it")
        for (version,) in self._rows("SELECT CAST(version AS INTEGER) FROM coverage_schema"):
            if version != _SCHEMA:
                raise CantUse(f"has a schema other than {_SCHEMA}")

    def recorded(self, data: DataFile, names: set[str], lines: FunctionLines) -> Recorded:
        """What the file says of the lines."""
        marks = ",".join("?" * len(names))
        files = [
            file
            for (file,) in self._rows(f"SELECT id FROM file WHERE path IN ({marks})", *names)
            if isinstance(file, int)
        ][: len(names)]
        reached: set[int] = set()
        executed: set[int] = set()
        for file in files:
            for found, seen in (self._by_lines(file, lines), self._by_arcs(file, lines)):
                reached |= found
                executed |= seen
        contexts = self._contexts() if files else {}
        return Recorded(
            data,
            tuple(name for key, name in contexts.items() if key in reached),
            tuple(name for key, name in contexts.items() if key not in reached),
            executed <= lines.code,
        )

    def _by_lines(self, file: int, lines: FunctionLines) -> tuple[set[int], set[int]]:
        """Contexts that executed the bodies, and all lines of the file that were executed."""
        body = union = 0
        for first, last in lines.bodies:
            body |= ((1 << (last + 1 - first)) - 1) << first
        reached = set()
        query = f"""SELECT CASE typeof(context_id) WHEN 'integer' THEN context_id END,
                           CASE WHEN typeof(numbits) = 'blob' AND length(numbits) <= {_MOST_NUMBITS}
                                THEN numbits END
                    FROM line_bits WHERE file_id = ?"""
        for context, numbits in self._rows(query, file):
            if numbits is None:
                union |= 1  # there is no line 0: what was passed over is not known to be idle
            if isinstance(context, int) and isinstance(numbits, bytes):
                bits = int.from_bytes(numbits, "little")
                union |= bits
                if bits & body:
                    reached.add(context)
        return reached, {line for line, bit in enumerate(f"{union:b}"[::-1]) if bit == "1"}

    def _by_arcs(self, file: int, lines: FunctionLines) -> tuple[set[int], set[int]]:
        """The same of data with branches."""
        reached: set[int] = set()
        for first, last in lines.bodies:
            query = """SELECT DISTINCT CASE typeof(context_id) WHEN 'integer' THEN context_id END
                       FROM arc WHERE file_id = ?
                       AND (fromno BETWEEN ? AND ? OR tono BETWEEN ? AND ?)"""
            found = self._rows(query, file, first, last, first, last)
            reached.update(context for (context,) in found if isinstance(context, int))
        query = f"""SELECT DISTINCT fromno FROM arc
                    WHERE file_id = ? AND typeof(fromno) = 'integer'
                    AND fromno BETWEEN 1 AND {_MOST_LINE}"""
        executed = {line for (line,) in self._rows(query, file) if isinstance(line, int)}
        return reached, executed

    def _contexts(self) -> dict[int, str]:
        # as BLOB: the length of a TEXT ends at its first NUL, however long it is
        query = f"""SELECT id, context FROM context
                    WHERE length(CAST(context AS BLOB)) BETWEEN 1 AND {_MOST_NAME}"""
        return {
            key: name
            for key, name in self._rows(query)
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
