"""Records, accepted edits and refusals as rows of the memory, each with a checksum.

SQLite does not notice a flipped byte inside of a text. What is shown to a person or written back
to a file is therefore compared with the checksum of its row.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from dataclasses import asdict, fields, replace
from typing import Any

from index.record import IMPORTED, AcceptedEdit, Head, Record, Refusal, Step

RECORD = [field.name for field in fields(Record)]
ACCEPTED = [field.name for field in fields(AcceptedEdit)]
REFUSAL = [field.name for field in fields(Refusal)]
DERIVED = ("facts", "shape")
"""Made anew by whoever reads them in another way, so no part of a record's checksum."""
HEAD = "id, title, edit, polarity, provenance, requires, rule, receipt IS NULL"
_AS_JSON = ("receipt", "steps", "sizes", "requires")


def record_from(values: dict[str, Any]) -> Record:
    """A record from its JSON form, whose texts and numbers were checked before."""
    steps = tuple(Step(**step) for step in values.get("steps", ()))
    sizes = tuple((int(n), float(ratio)) for n, ratio in values.get("sizes", ()))
    return Record(
        **{**values, "steps": steps, "sizes": sizes, "requires": tuple(values.get("requires", ()))}
    )


def next_accepted(connection: sqlite3.Connection) -> int:
    """An id that no accepted edit has."""
    return int(connection.execute("SELECT coalesce(max(id), 0) FROM accepted").fetchone()[0]) + 1


def put_accepted(connection: sqlite3.Connection, edit: AcceptedEdit) -> None:
    """Keep it once; under another id where that of another memory is taken."""
    total = sum_of_accepted(edit)
    same = "SELECT 1 FROM accepted WHERE sum = ?"
    if connection.execute(same, (total,)).fetchone() is not None:
        return
    taken = "SELECT 1 FROM accepted WHERE id = ?"
    if edit.id is None or connection.execute(taken, (edit.id,)).fetchone() is not None:
        edit = replace(edit, id=next_accepted(connection))
    connection.execute(
        f"INSERT INTO accepted ({', '.join(ACCEPTED)}, sum) "
        f"VALUES ({', '.join('?' * len(ACCEPTED))}, ?)",
        [*(getattr(edit, name) for name in ACCEPTED), total],
    )


def put_refusal(connection: sqlite3.Connection, refusal: Refusal) -> None:
    """Keep it in the place of an earlier one; a user's rejection stays."""
    connection.execute(
        f"INSERT INTO refusals ({', '.join(REFUSAL)}) VALUES ({', '.join('?' * len(REFUSAL))}) "
        "ON CONFLICT(fingerprint, interpreter, libraries, edit_key) DO UPDATE SET "
        "outcome = excluded.outcome, reason = excluded.reason, created = excluded.created "
        "WHERE excluded.outcome = 'rejected' OR outcome = 'failed'",
        [getattr(refusal, name) for name in REFUSAL],
    )


def put_note(connection: sqlite3.Connection, values: dict[str, Any], revision: int) -> None:
    """Keep a research note with its passages in the place of an earlier one of its source.

    `values` has source, sha256, added and passages, each of which has section, text and line.
    """
    source = str(values["source"])
    note = hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()[:24]
    connection.execute("DELETE FROM passages WHERE note = ?", (note,))
    connection.execute(
        "INSERT OR REPLACE INTO notes VALUES (?, ?, ?, ?)",
        (note, source, str(values["sha256"]), str(values["added"])),
    )
    for number, passage in enumerate(values["passages"]):
        whole = json.dumps([source, number, passage["section"], passage["text"]])
        item = hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()[:24]
        connection.execute(
            "INSERT OR REPLACE INTO passages VALUES (?, ?, ?, ?, ?, ?, ?)",
            (item, note, source, passage["section"], passage["text"], passage["line"], revision),
        )


def sum_of(record: Record) -> str:
    """The checksum of a record's row."""
    values = [v for name, v in zip(RECORD, row_of(record), strict=True) if name not in DERIVED]
    return _digest_of(values)


def sum_of_accepted(edit: AcceptedEdit) -> str:
    """The checksum of an accepted edit, the same whatever its id is and when it was undone."""
    own = [name for name in ACCEPTED if name not in ("id", "undone")]
    return _digest_of([getattr(edit, name) for name in own])


def _digest_of(values: list[Any]) -> str:
    whole = json.dumps(values).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(whole, digest_size=8).hexdigest()


def row_of(record: Record) -> list[Any]:
    """The columns of RECORD."""
    values = {name: getattr(record, name) for name in RECORD}
    values["steps"] = [asdict(step) for step in record.steps]
    for name in _AS_JSON:
        if values[name] is not None:
            values[name] = json.dumps(values[name], sort_keys=True)
    return list(values.values())


def record_of(row: tuple[Any, ...]) -> Record:
    """The record of the columns of RECORD. Raises what a damaged row makes JSON raise."""
    values = dict(zip(RECORD, row, strict=True))
    for name in _AS_JSON:
        if values[name] is not None:
            values[name] = json.loads(values[name])
    return record_from(values)


def head_of(row: tuple[Any, ...]) -> Head:
    """The head of the columns of HEAD."""
    item, title, edit, polarity, provenance, requires, rule, unproved = row
    needs = tuple(json.loads(requires)) if requires != "[]" else ()
    claimed = bool(unproved) or provenance.startswith(f"{IMPORTED}:")
    return Head(item, title, edit, polarity, provenance, needs, rule, claimed)
