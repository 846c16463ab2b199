"""Records, accepted edits, refusals and notes as rows of the memory, each with a checksum.

SQLite does not notice a flipped byte inside of a text. What is shown to a person or written back
to a file is therefore compared with the checksum of its row.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from typing import Any

from index.record import IMPORTED, AcceptedEdit, Head, Record, Refusal, Step

RECORD = [field.name for field in fields(Record)]
ACCEPTED = [field.name for field in fields(AcceptedEdit)]
OWN = [name for name in ACCEPTED if name not in ("id", "undone")]
REFUSAL = [field.name for field in fields(Refusal)]
NOTE = ["id", "source", "sha256", "added"]
REFUSED = ["fingerprint", "interpreter", "libraries", "edit_key"]
"""What a refusal is of: its key."""
PASSAGE = ["id", "note", "source", "section", "text", "line", "number", "revision"]
DERIVED = ("facts", "shape")
"""Made anew by whoever reads them in another way, so no part of a record's checksum."""
SUMMED = [name for name in RECORD if name not in DERIVED]
HEAD = (
    "id, title, edit, polarity, provenance, requires, rule, EXISTS (SELECT 1 FROM records AS claim "
    "INDEXED BY records_claimed WHERE claim.id = head.id AND claim.receipt IS NULL)"
)
"""Of ``records AS head INDEXED BY records_head``; all of it stands in indexes."""
_JSON = json.JSONDecoder(parse_constant=lambda _: None)
"""NaN is nothing: earlier versions imported it, and no JSON has it."""
_AS_JSON = ("receipt", "steps", "sizes", "requires")


def record_from(values: dict[str, Any]) -> Record:
    """A record from its JSON form, whose texts and numbers were checked before."""
    steps = tuple(Step(**step) for step in values.get("steps", ()))
    sizes = tuple((int(n), float(ratio)) for n, ratio in values.get("sizes", ()))
    return Record(
        **{**values, "steps": steps, "sizes": sizes, "requires": tuple(values.get("requires", ()))}
    )


def put_records(connection: sqlite3.Connection, records: Iterable[Record], revision: int) -> int:
    """Keep records in the place of those with the same id, whose vectors stay; how many."""
    names = [*RECORD, "sum", "derived", "revision"]
    # Not REPLACE, which would drop the vectors. Facts made here stay; they are the newer ones.
    updates = [f"{n} = excluded.{n}" for n in names[1:] if n not in (*DERIVED, "derived")]
    records = tuple(records)
    cursor = connection.executemany(
        f"INSERT INTO records ({', '.join(names)}) VALUES ({', '.join('?' * len(names))}) "
        f"ON CONFLICT(id) DO UPDATE SET {', '.join(updates)}",
        [
            [*row_of(r), sum_of(r), digest_of_row([getattr(r, n) for n in DERIVED]), revision]
            for r in records
        ],
    )
    again = "DELETE FROM forgotten WHERE kind = 'record' AND item = ?"
    connection.executemany(again, [(r.id,) for r in records])
    return max(cursor.rowcount, 0)


def next_accepted(connection: sqlite3.Connection) -> int:
    """An id that no accepted edit has."""
    return int(connection.execute("SELECT coalesce(max(id), 0) FROM accepted").fetchone()[0]) + 1


def put_accepted(connection: sqlite3.Connection, edit: AcceptedEdit) -> None:
    """Keep it once, undone where either is; under another id where another memory's is taken."""
    total = sum_of_accepted(edit)
    if has_accepted(connection, total):
        if edit.undone is not None:
            undone = "UPDATE accepted SET undone = ? WHERE sum = ? AND undone IS NULL"
            connection.execute(undone, (edit.undone, total))
        return
    taken = "SELECT 1 FROM accepted WHERE id = ?"
    if edit.id is None or connection.execute(taken, (edit.id,)).fetchone() is not None:
        edit = replace(edit, id=next_accepted(connection))
    connection.execute(
        f"INSERT INTO accepted ({', '.join(ACCEPTED)}, sum) "
        f"VALUES ({', '.join('?' * len(ACCEPTED))}, ?)",
        [*(getattr(edit, name) for name in ACCEPTED), total],
    )


def has_accepted(connection: sqlite3.Connection, total: str) -> bool:
    """Whether there is an accepted edit with this checksum."""
    same = "SELECT 1 FROM accepted WHERE sum = ?"
    return connection.execute(same, (total,)).fetchone() is not None


def put_refusal(connection: sqlite3.Connection, refusal: Refusal) -> None:
    """Keep it in the place of an earlier one; a user's rejection stays."""
    connection.execute(
        f"INSERT INTO refusals ({', '.join(REFUSAL)}, sum) "
        f"VALUES ({', '.join('?' * len(REFUSAL))}, ?) "
        "ON CONFLICT(fingerprint, interpreter, libraries, edit_key) DO UPDATE SET "
        "outcome = excluded.outcome, reason = excluded.reason, created = excluded.created, "
        "sum = excluded.sum WHERE excluded.outcome = 'rejected' OR outcome = 'failed'",
        [*(getattr(refusal, name) for name in REFUSAL), sum_of_refusal(refusal)],
    )


def put_note(connection: sqlite3.Connection, values: dict[str, Any], revision: int) -> None:
    """Keep a research note with its passages in the place of an earlier one of its source.

    `values` has source, sha256, added and passages, each of which has section, text and line.
    """
    row = note_row(values)
    connection.execute("DELETE FROM passages WHERE note = ?", (row[0],))
    connection.execute(
        f"INSERT OR REPLACE INTO notes ({', '.join(NOTE)}, sum) VALUES (?, ?, ?, ?, ?)",
        (*row, digest_of_row(row)),
    )
    connection.execute("DELETE FROM forgotten WHERE kind = 'note' AND item = ?", (row[1],))
    names = [*PASSAGE, "sum"]
    ids = passage_ids(values)
    for number, (item, part) in enumerate(zip(ids, values["passages"], strict=True)):
        whole = [item, *row[:2], part["section"], part["text"], part["line"], number, revision]
        connection.execute(
            f"INSERT OR REPLACE INTO passages ({', '.join(names)}) "
            f"VALUES ({', '.join('?' * len(names))})",
            (*whole, digest_of_row(whole)),
        )


def forget_records(connection: sqlite3.Connection, ids: Iterable[str]) -> None:
    """Forget records and their vectors, and remember that."""
    gone = [(item,) for item in ids]
    connection.executemany("DELETE FROM records WHERE id = ?", gone)
    connection.executemany("INSERT OR IGNORE INTO forgotten VALUES ('record', ?)", gone)


def forget_note(connection: sqlite3.Connection, source: str) -> None:
    """Forget a research note and its passages, and remember that."""
    connection.execute("DELETE FROM notes WHERE source = ?", (source,))
    connection.execute("INSERT OR IGNORE INTO forgotten VALUES ('note', ?)", (source,))


def passage_ids(values: dict[str, Any]) -> list[str]:
    """The ids of a note's passages, in order."""
    wholes = (
        json.dumps([str(values["source"]), number, passage["section"], passage["text"]])
        for number, passage in enumerate(values["passages"])
    )
    return [hashlib.sha256(w.encode("utf-8", "surrogatepass")).hexdigest()[:24] for w in wholes]


def note_row(values: dict[str, Any]) -> list[str]:
    """The columns of NOTE: an id made of the source, and what was read when."""
    source = str(values["source"])
    note = hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()[:24]
    return [note, source, str(values["sha256"]), str(values["added"])]


def sum_of(record: Record) -> str:
    """The checksum of a record's row."""
    values = [v for name, v in zip(RECORD, row_of(record), strict=True) if name not in DERIVED]
    return digest_of_row(values)


def sum_of_accepted(edit: AcceptedEdit) -> str:
    """The checksum of an accepted edit, the same whatever its id is and when it was undone."""
    return digest_of_row([getattr(edit, name) for name in OWN])


def sum_of_refusal(refusal: Refusal) -> str:
    """The checksum of a refusal's row."""
    return digest_of_row([getattr(refusal, name) for name in REFUSAL])


def digest_of_row(values: Sequence[Any]) -> str:
    """The checksum of a row as it is stored; "" where damage made a value another type."""
    try:
        whole = json.dumps(values).encode("ascii")
    except TypeError:
        return ""
    return hashlib.blake2b(whole, digest_size=8).hexdigest()


def sound_record(row: Sequence[Any]) -> Record | None:
    """The record of the columns of RECORD and its checksum; None where they do not fit."""
    summed = [value for name, value in zip(RECORD, row, strict=False) if name not in DERIVED]
    return record_of(row[:-1]) if digest_of_row(summed) == row[-1] else None


def sound_edit(row: Sequence[Any]) -> AcceptedEdit | None:
    """The accepted edit of the columns of ACCEPTED and its checksum; None where they differ."""
    edit = AcceptedEdit(*row[:-1])
    undone = edit.undone is None or isinstance(edit.undone, str)
    return edit if undone and sum_of_accepted(edit) == row[-1] else None


def sound_refusal(row: Sequence[Any]) -> Refusal | None:
    """The refusal of the columns of REFUSAL and its checksum; None where they do not fit."""
    refusal = Refusal(*row[:-1])
    return refusal if sum_of_refusal(refusal) == row[-1] else None


def values_of(noun: Record | AcceptedEdit | Refusal) -> dict[str, Any]:
    """Its JSON form; shares what it holds, for to copy receipts takes longer than to write them."""
    values = dict(vars(noun))
    if isinstance(noun, Record):
        values["steps"] = [dict(vars(step)) for step in noun.steps]
    return values


def row_of(record: Record) -> list[Any]:
    """The columns of RECORD."""
    told = values_of(record)
    values = {name: told[name] for name in RECORD}
    if record.ratio is not None:
        values["ratio"] = float(record.ratio)  # as the column gives it back
    for name in _AS_JSON:
        if values[name] is not None:
            values[name] = json.dumps(values[name], sort_keys=True)
    return list(values.values())


def record_of(row: Sequence[Any]) -> Record:
    """The record of the columns of RECORD. Raises what a damaged row makes JSON raise."""
    values = dict(zip(RECORD, row, strict=True))
    for name in _AS_JSON:
        if values[name] is not None:
            decode = _JSON.decode if name in ("receipt", "steps") else json.loads
            values[name] = decode(values[name]) if values[name] != "[]" else ()
    return record_from(values)


def head_of(row: tuple[Any, ...]) -> Head:
    """The head of the columns of HEAD. Raises TypeError or ValueError for a damaged row."""
    item, title, edit, polarity, provenance, requires, rule, unproved = row
    if set(map(type, row[:-1])) != {str}:
        raise TypeError("a text is none")
    needs = tuple(json.loads(requires)) if requires != "[]" else ()
    if not all(isinstance(need, str) for need in needs):
        raise TypeError("a requirement is no text")
    claimed = bool(unproved) or provenance.startswith(f"{IMPORTED}:")
    return Head(item, title, edit, polarity, provenance, needs, rule, claimed)
