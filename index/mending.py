"""Whether the rows of a memory are those that were written, and what its journal knows of them.

All of it inside of a transaction of the caller.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
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


def make_room(connection: sqlite3.Connection, entries: Sequence[Entry | None]) -> int:
    """Delete the damaged rows that the entries of a journal bring again; how many are damaged.

    What is shipped goes as well where it is damaged, for it is loaded again, and so does what can
    be made anew.
    """
    bad = damaged(connection)
    known = _Known.of(entries) if bad else None
    for row in bad:
        if row.table == "vectors" or (known is not None and known.has(row)):
            drop(connection, row)
        elif row.table == "records":
            _leave_record(connection, row)
        elif row.table == "passages" and known is not None:
            _drop_note(connection, row, known)
    return len(bad)


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
    """Keys and checksums of what a journal holds, and the notes of passages by their ids."""

    keys: frozenset[tuple[str, tuple[Any, ...]]]
    sums: frozenset[tuple[str, str]]
    passages: dict[str, str]

    @classmethod
    def of(cls, entries: Iterable[Entry | None]) -> _Known:
        keys, sums = set[tuple[str, tuple[Any, ...]]](), set[tuple[str, str]]()
        passages = dict[str, str]()
        for entry in entries:
            noun = entry and noun_of(entry)
            if isinstance(noun, Record):
                keys.add(("records", (noun.id,)))
                sums.add(("records", sum_of(noun)))
            elif isinstance(noun, AcceptedEdit):
                sums.add(("accepted", sum_of_accepted(noun)))
            elif isinstance(noun, Refusal):
                keys.add(("refusals", refusal_key(noun)))
                sums.add(("refusals", sum_of_refusal(noun)))
            elif isinstance(noun, Note):
                keys.add(("notes", (noun.row[0],)))
                sums.add(("notes", digest_of_row(noun.row)))
                passages |= dict.fromkeys(passage_ids(noun.values), noun.row[0])
        return cls(frozenset(keys), frozenset(sums), passages)

    def has(self, row: Damaged) -> bool:
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
