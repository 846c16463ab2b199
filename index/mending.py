"""Whether the rows of a memory are those that were written, and what its journal knows of them.

All of it inside of a transaction of the caller.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from index.entries import Note, noun_of, refusal_key
from index.journal import Entry
from index.record import AcceptedEdit, Record, Refusal
from index.rows import (
    DERIVED,
    NOTE,
    OWN,
    PASSAGE,
    REFUSAL,
    REFUSED,
    SUMMED,
    digest_of_row,
    passage_ids,
    sum_of,
    sum_of_accepted,
    sum_of_refusal,
)

_COLUMNS = {
    "records": SUMMED,
    "accepted": OWN,
    "refusals": REFUSAL,
    "notes": NOTE,
    "passages": PASSAGE,
}
_KEYS = {
    "records": ["id"],
    "accepted": ["id"],
    "refusals": REFUSED,
    "notes": ["id"],
    "passages": ["id"],
    "vectors": ["embedder", "kind", "item"],
}


@dataclass(frozen=True)
class Damaged:
    """A row that is not as it was written: its key, and the checksums it has and should have."""

    table: str
    key: tuple[Any, ...]
    sums: frozenset[str] = frozenset()
    derived: bool = False
    """Whether it is only what can be made anew from it."""


def damaged(connection: sqlite3.Connection) -> list[Damaged]:
    """Every row that is damaged; reads all of them."""
    found = []
    for table, columns in _COLUMNS.items():
        keys = _KEYS[table]
        rows = connection.execute(f"SELECT {', '.join((*keys, *columns))}, sum FROM {table}")
        for row in rows:
            content = digest_of_row(row[len(keys) : -1])
            if content != row[-1]:
                sums = frozenset((content, row[-1]))
                found.append(Damaged(table, row[: len(keys)], sums))
    known = {row.key for row in found}
    rows = connection.execute(f"SELECT id, sum, derived, {', '.join(DERIVED)} FROM records")
    found += [
        Damaged("records", row[:1], frozenset(row[1:2]), derived=True)
        for row in rows
        if row[2] != digest_of_row(row[3:]) and row[:1] not in known
    ]
    rows = connection.execute(
        "SELECT id, sum FROM accepted WHERE typeof(undone) NOT IN ('null', 'text')"
    )
    found += [
        Damaged("accepted", row[:1], frozenset(row[1:])) for row in rows if row[:1] not in known
    ]
    return found + _damaged_vectors(connection)


def _damaged_vectors(connection: sqlite3.Connection) -> list[Damaged]:
    from index.vectors import digest_of  # which needs the memory, and so this module

    rows = connection.execute(f"SELECT {', '.join(_KEYS['vectors'])}, digest, vector FROM vectors")
    return [
        Damaged("vectors", row[:-2])
        for row in rows
        if not isinstance(row[-1], bytes) or digest_of(row[-1]) != row[-2]
    ]


def drop(connection: sqlite3.Connection, row: Damaged) -> None:
    """Delete a damaged row."""
    where, values = _where(row)
    connection.execute(f"DELETE FROM {row.table} WHERE {where}", values)


def _where(row: Damaged) -> tuple[str, list[Any]]:
    """What finds a damaged row, whatever its key is made of now: it may be no text."""
    where, values = [], []
    for column, value in zip(_KEYS[row.table], row.key, strict=True):
        text = isinstance(value, str)
        where.append(f"{column} = CAST(? AS TEXT)" if text else f"{column} IS ?")
        values.append(value.encode("utf-8", "surrogateescape") if text else value)
    return " AND ".join(where), values


def make_room(
    connection: sqlite3.Connection, rows: Sequence[Damaged], entries: Iterable[Entry | None]
) -> int:
    """Delete the damaged rows that the entries of a journal bring again.

    What is shipped goes as well where it is damaged, for it is loaded again, and so does what can
    be made anew. How many entries can't be believed.
    """
    known = _Known.of(rows)
    bad = 0
    for entry in entries:
        if entry is None:
            bad += 1
        elif rows:
            known.add(entry)
    for row in rows:
        if row.table == "vectors" or known.has(row):
            drop(connection, row)
        elif row.table == "records":
            _leave_record(connection, row)
        elif row.table == "passages":
            _drop_note(connection, row, known)
    return bad


def _leave_record(connection: sqlite3.Connection, row: Damaged) -> None:
    """What can be done for a damaged record that the journal lacks."""
    connection.execute("DELETE FROM facts WHERE key LIKE 'corpus:%'")
    where, values = _where(row)
    shipped, slow, *derived = connection.execute(
        f"SELECT provenance LIKE 'corpus:%', slow, {', '.join(DERIVED)} FROM records WHERE {where}",
        values,
    ).fetchone()
    if shipped:
        drop(connection, row)
    elif row.derived and slow:  # otherwise its facts are all that is known of its code
        connection.execute(
            f"UPDATE records SET facts_by = '', derived = ? WHERE {where}",
            (digest_of_row(derived), *values),
        )


def _drop_note(connection: sqlite3.Connection, row: Damaged, known: _Known) -> None:
    """Delete the whole note of a damaged passage, if the journal brings it again."""
    where, values = _where(row)
    found = connection.execute(f"SELECT note FROM passages WHERE {where}", values).fetchall()
    notes = {note for (note,) in found} | {known.passages.get(row.key[0])}
    for note in notes:
        if ("notes", (note,)) in known.keys:
            connection.execute("DELETE FROM notes WHERE id = ?", (note,))
            drop(connection, row)


@dataclass(frozen=True)
class _Known:
    """What a journal holds of damaged rows: their keys and checksums, the notes of passages.

    Of every note the key, since a damaged passage may say that it is of another one.
    """

    rows: frozenset[tuple[str, tuple[Any, ...]]]
    wanted: frozenset[tuple[str, str]]
    tables: frozenset[str]
    keys: set[tuple[str, tuple[Any, ...]]] = field(default_factory=set)
    sums: set[tuple[str, str]] = field(default_factory=set)
    passages: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: Sequence[Damaged]) -> _Known:
        """What is asked of a journal where these rows are damaged."""
        return cls(
            frozenset((row.table, row.key) for row in rows),
            frozenset((row.table, total) for row in rows for total in row.sums if total),
            frozenset(row.table for row in rows),
        )

    def add(self, entry: Entry) -> None:
        """Note what an entry holds of them."""
        noun = noun_of(entry)
        if isinstance(noun, Record) and "records" in self.tables:
            self._add("records", (noun.id,), sum_of(noun))
        elif isinstance(noun, AcceptedEdit) and "accepted" in self.tables:
            self._add("accepted", None, sum_of_accepted(noun))
        elif isinstance(noun, Refusal) and "refusals" in self.tables:
            self._add("refusals", refusal_key(noun), sum_of_refusal(noun))
        elif isinstance(noun, Note) and self.tables & {"notes", "passages"}:
            self._add("notes", (noun.row[0],), digest_of_row(noun.row))
            self._add_passages(noun)

    def _add(self, table: str, key: tuple[Any, ...] | None, total: str) -> None:
        if key is not None and ((table, key) in self.rows or table == "notes"):
            self.keys.add((table, key))
        if (table, total) in self.wanted:
            self.sums.add((table, total))

    def _add_passages(self, note: Note) -> None:
        for item in passage_ids(note.values):
            if ("passages", (item,)) in self.rows:
                self.passages[item] = note.row[0]

    def has(self, row: Damaged) -> bool:
        """Whether the journal brings a row again."""
        known = {(row.table, total) for total in row.sums if total}
        return (row.table, row.key) in self.keys or bool(known & self.sums)


def sum_rows(connection: sqlite3.Connection) -> None:
    """Give rows of an earlier schema their checksums: they are as they are."""
    for table, columns in _COLUMNS.items():
        keys = _KEYS[table]
        rows = connection.execute(
            f"SELECT {', '.join((*columns, *keys))} FROM {table} WHERE sum = ''"
        ).fetchall()
        n = len(columns)
        connection.executemany(
            f"UPDATE {table} SET sum = ? WHERE {' AND '.join(f'{key} = ?' for key in keys)}",
            [(digest_of_row(row[:n]), *row[n:]) for row in rows],
        )
    rows = connection.execute(
        f"SELECT {', '.join(DERIVED)}, id FROM records WHERE derived = ''"
    ).fetchall()
    connection.executemany(
        "UPDATE records SET derived = ? WHERE id = ?",
        [(digest_of_row(row[:-1]), row[-1]) for row in rows],
    )
