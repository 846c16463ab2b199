"""What the entries of a journal say, done to a memory's file or taken from it.

A journal and a file that went different ways (one of them was put back to an earlier state, or is
another memory's) are brought together without losing what either holds. All of it inside of a
transaction of the caller.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from index.journal import Entry
from index.record import AcceptedEdit, Record, Refusal
from index.rows import (
    ACCEPTED,
    NOTE,
    RECORD,
    REFUSAL,
    REFUSED,
    forget_note,
    forget_records,
    note_row,
    put_accepted,
    put_note,
    put_records,
    put_refusal,
    record_from,
    sound_edit,
    sound_record,
    sound_refusal,
    sum_of_accepted,
)

_MALFORMED = (
    KeyError,
    TypeError,
    ValueError,
    sqlite3.IntegrityError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
)
"""What an entry raises that makes no sense; a full disk is no reason to leave one out."""
_JUDGED = ("accepted", "rejected")


def refusal_key(refusal: Refusal) -> tuple[str, ...]:
    """What a refusal is of."""
    return tuple(getattr(refusal, name) for name in REFUSED)


@dataclass(frozen=True)
class Note:
    """A research note as an entry tells it; `row` are its columns."""

    row: tuple[str, ...]
    values: dict[str, Any]


def noun_of(entry: Entry) -> Record | AcceptedEdit | Refusal | Note | None:
    """What an entry holds; None for one that says what became of such, or makes no sense."""
    try:
        if entry.kind == "record":
            return record_from(entry.values)
        if entry.kind == "accepted":
            return AcceptedEdit(**entry.values)
        if entry.kind == "refusal":
            return Refusal(**entry.values)
        if entry.kind == "note":
            return Note(tuple(note_row(entry.values)), entry.values)
    except _MALFORMED:
        pass
    return None


def apply(connection: sqlite3.Connection, entry: Entry, revision: int) -> bool:
    """Do what an entry says; doing it twice changes nothing. False where it makes no sense."""
    noun, values = noun_of(entry), entry.values
    try:
        if isinstance(noun, Record):
            put_records(connection, [noun], revision)
        elif isinstance(noun, AcceptedEdit):
            put_accepted(connection, noun)
        elif isinstance(noun, Refusal):
            put_refusal(connection, noun)
        elif isinstance(noun, Note):
            put_note(connection, values, revision)
        elif entry.kind == "forgotten":
            forget_records(connection, map(str, values["ids"]))
        elif entry.kind == "undone":
            connection.execute(
                "UPDATE accepted SET undone = ? WHERE sum = ?", (values["undone"], values["sum"])
            )
        elif entry.kind == "note forgotten":
            forget_note(connection, str(values["source"]))
        else:
            return False
    except _MALFORMED:
        return False
    return True


def bring_together(
    connection: sqlite3.Connection,
    entries: Iterable[Entry | None],
    revision: int,
    *,
    older: bool,
) -> int:
    """Add what the entries of a journal hold and the file lacks; how many made no sense.

    `older` says that the journal is no newer than the file: what that holds or has forgotten stays
    so. Otherwise a person's judgement counts more than none, and the newer outcome or note more
    than the older one.
    """
    state = _State()
    bad = sum(entry is None or not state.take(entry) for entry in entries)

    def one(sql: str, *values: str) -> Any:
        found = connection.execute(sql, values).fetchone()
        return found and found[0]

    def forgotten(kind: str, item: str) -> bool:
        found = one("SELECT 1 FROM forgotten WHERE kind = ? AND item = ?", kind, item)
        return older and found is not None

    for record in state.records.values():
        polarity = one("SELECT polarity FROM records WHERE id = ?", record.id)
        if polarity is None:
            wanted = not forgotten("record", record.id)
        else:
            wanted = not older and record.polarity in _JUDGED and polarity not in _JUDGED
        if wanted:
            put_records(connection, [record], revision)
    for edit in state.accepted:
        put_accepted(connection, edit)
    for total, when in state.undone.items():
        where = "WHERE sum = ? AND undone IS NULL"
        connection.execute(f"UPDATE accepted SET undone = ? {where}", (when, total))
    where = " AND ".join(f"{column} = ?" for column in REFUSED)
    for key, refusal in state.refusals.items():
        kept = one(f"SELECT created FROM refusals WHERE {where}", *key)
        if kept is None or (not older and kept < refusal.created):
            put_refusal(connection, refusal)
    for source, note in state.notes.items():
        kept = one("SELECT added FROM notes WHERE source = ?", source)
        newer = kept is not None and kept < note.row[3] and not older
        if newer or (kept is None and not forgotten("note", source)):
            put_note(connection, note.values, revision)
    return bad


@dataclass
class _State:
    """What is true after all entries of a journal."""

    records: dict[str, Record] = field(default_factory=dict)
    accepted: list[AcceptedEdit] = field(default_factory=list)
    undone: dict[str, str] = field(default_factory=dict)
    refusals: dict[tuple[str, ...], Refusal] = field(default_factory=dict)
    notes: dict[str, Note] = field(default_factory=dict)

    def take(self, entry: Entry) -> bool:
        """Take in one entry; False where it makes no sense."""
        noun, values = noun_of(entry), entry.values
        try:
            if isinstance(noun, Record):
                self.records[noun.id] = noun
            elif isinstance(noun, AcceptedEdit):
                self.accepted.append(noun)
                if noun.undone is not None:
                    self.undone[sum_of_accepted(noun)] = noun.undone
            elif isinstance(noun, Refusal):
                before = self.refusals.get(refusal_key(noun))
                if noun.outcome == "rejected" or before is None or before.outcome == "failed":
                    self.refusals[refusal_key(noun)] = noun
            elif isinstance(noun, Note):
                self.notes[noun.row[1]] = noun
            elif entry.kind == "forgotten":
                for item in values["ids"]:
                    self.records.pop(str(item), None)
            elif entry.kind == "undone":
                self.undone[str(values["sum"])] = str(values["undone"])
            elif entry.kind == "note forgotten":
                self.notes.pop(str(values["source"]), None)
            else:
                return False
        except _MALFORMED:
            return False
        return True


def learnt(connection: sqlite3.Connection) -> list[Entry]:
    """Everything but the shipped corpus, as far as it is undamaged, and what was forgotten."""
    rows = connection.execute("SELECT item FROM forgotten WHERE kind = 'record'")
    found = [Entry("forgotten", {"ids": [row[0]]}) for row in rows]
    rows = connection.execute("SELECT item FROM forgotten WHERE kind = 'note'")
    found += [Entry("note forgotten", {"source": row[0]}) for row in rows]
    rows = connection.execute(
        f"SELECT {', '.join(RECORD)}, sum FROM records "
        "WHERE NOT (provenance >= 'corpus:' AND provenance < 'corpus;')"
    )
    records = (sound_record(row) for row in rows)
    found += [Entry("record", asdict(record)) for record in records if record is not None]
    rows = connection.execute(f"SELECT {', '.join(ACCEPTED)}, sum FROM accepted ORDER BY id")
    edits = (sound_edit(row) for row in rows)
    found += [Entry("accepted", asdict(edit)) for edit in edits if edit is not None]
    rows = connection.execute(f"SELECT {', '.join(REFUSAL)}, sum FROM refusals ORDER BY created")
    refusals = (sound_refusal(row) for row in rows)
    found += [Entry("refusal", asdict(refusal)) for refusal in refusals if refusal is not None]
    rows = connection.execute(f"SELECT {', '.join(NOTE)} FROM notes ORDER BY added, id")
    for note, *values in rows.fetchall():
        passages = connection.execute(
            "SELECT section, text, line FROM passages WHERE note = ? ORDER BY number, line, id",
            (note,),
        )
        texts = [{"section": s, "text": t, "line": line} for s, t, line in passages]
        names = [*NOTE[1:], "passages"]
        found.append(Entry("note", dict(zip(names, [*values, texts], strict=True))))
    return found
