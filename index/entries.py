"""What the entries of a journal say, done to a memory's file or taken from it.

A journal and a file that went different ways (one of them was put back to an earlier state, or is
another memory's) are brought together without losing what either holds. All of it inside of a
transaction of the caller.
"""

from __future__ import annotations

import contextlib
import math
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from index.journal import Entry
from index.record import AcceptedEdit, Record, Refusal, Step
from index.rows import (
    ACCEPTED,
    NOTE,
    OWN,
    RECORD,
    REFUSAL,
    REFUSED,
    forget_note,
    forget_records,
    has_accepted,
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
    values_of,
)

MALFORMED = (
    KeyError,
    TypeError,
    ValueError,
    OverflowError,
    RecursionError,
    sqlite3.DataError,
    sqlite3.IntegrityError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
)
"""What an entry raises that makes no sense; a full disk is no reason to leave one out."""
JUDGED = ("accepted", "rejected")
"""Polarities that are a person's."""
_MOST_ID = 1 << 53
_DEEPEST = 200
"""Lists and objects of a receipt inside of each other: more than these can't be copied."""
_COLUMNS_OF_TEXT = [
    n for n in RECORD if n not in ("ratio", "receipt", "steps", "sizes", "requires")
]


def refusal_key(refusal: Refusal) -> tuple[str, ...]:
    """What a refusal is of."""
    return tuple(getattr(refusal, name) for name in REFUSED)


@dataclass(frozen=True)
class Note:
    """A research note as an entry tells it; `row` are its columns."""

    row: tuple[str, ...]
    values: dict[str, Any]


Noun = Record | AcceptedEdit | Refusal | Note


def noun_of(entry: Entry) -> Noun | None:
    """What an entry holds; None for one that says what became of such, or makes no sense.

    All of it has the types that the memory's rows need.
    """
    try:
        if entry.kind == "record":
            return _record(entry.values)
        if entry.kind == "accepted":
            return _accepted(entry.values)
        if entry.kind == "refusal":
            return _refusal(entry.values)
        if entry.kind == "note":
            return _note(entry.values)
    except MALFORMED:
        pass
    return None


def _record(values: dict[str, Any]) -> Record:
    for name in ("steps", "sizes", "requires"):
        _list(values.get(name, []))
    record = record_from(values)
    _texts(*(getattr(record, name) for name in _COLUMNS_OF_TEXT), *record.requires)
    parts: tuple[Record | Step, ...] = (record, *record.steps)
    for part in parts:
        if part.ratio is not None and math.isnan(part.ratio):  # NULL in a row: another value
            raise ValueError(part.ratio)
        if part.receipt is not None:
            _shallow(_object(part.receipt), _DEEPEST)
    for step in record.steps:
        _texts(step.title, step.edit, step.code)
    return record


def _accepted(values: dict[str, Any]) -> AcceptedEdit:
    edit = AcceptedEdit(**values)
    _texts(*(getattr(edit, name) for name in OWN))
    if edit.undone is not None:
        _texts(edit.undone)
    if edit.id is not None and not 0 < _whole(edit.id) < _MOST_ID:  # the next one is greater
        raise ValueError(edit.id)
    return edit


def _refusal(values: dict[str, Any]) -> Refusal:
    refusal = Refusal(**values)
    _texts(*(getattr(refusal, name) for name in REFUSAL))
    return refusal


def _note(values: dict[str, Any]) -> Note:
    _texts(values["source"], values["sha256"], values["added"])
    for part in _list(values["passages"]):
        _texts(part["section"], part["text"])
        if not -_MOST_ID < _whole(part["line"]) < _MOST_ID:
            raise ValueError(part["line"])
    return Note(tuple(note_row(values)), values)


def _list(value: Any) -> Sequence[Any]:
    if not isinstance(value, (list, tuple)):
        raise TypeError(type(value).__name__)
    return value


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(type(value).__name__)
    return value


def _whole(value: Any) -> int:
    if not isinstance(value, int):
        raise TypeError(type(value).__name__)
    return value


def _texts(*values: Any) -> None:
    for value in values:
        if not isinstance(value, str):
            raise TypeError(type(value).__name__)
        value.encode()  # half of a surrogate pair is no text of a database


def _shallow(value: dict[str, Any], most: int) -> None:
    """Raise ValueError where lists and objects are nested deeper."""
    level: list[Any] = [value]
    for _ in range(most):
        parts = [part.values() if isinstance(part, dict) else part for part in level]
        level = [p for part in parts for p in part if isinstance(p, (dict, list, tuple))]
        if not level:
            return
    raise ValueError("nested too deep")


def _forgotten(values: dict[str, Any]) -> list[str]:
    ids = list(_list(values["ids"]))
    _texts(*ids)
    return ids


def _undone(values: dict[str, Any]) -> tuple[str, str]:
    _texts(values["sum"], values["undone"])
    return values["sum"], values["undone"]


def _source(values: dict[str, Any]) -> str:
    _texts(values["source"])
    return str(values["source"])


def apply(connection: sqlite3.Connection, entry: Entry, revision: int) -> bool:
    """Do what an entry says; doing it twice changes nothing.

    False where it makes no sense; then nothing of it was done.
    """
    return _done(connection, lambda: _apply(connection, entry, revision))


def _done(connection: sqlite3.Connection, work: Callable[[], object]) -> bool:
    """Do it whole, or nothing of it and False where it makes no sense."""
    connection.execute("SAVEPOINT entry")
    try:
        work()
    except MALFORMED:
        connection.execute("ROLLBACK TO entry")
        return False
    finally:
        with contextlib.suppress(sqlite3.Error):  # a full disk has rolled back all of it
            connection.execute("RELEASE entry")
    return True


def _apply(connection: sqlite3.Connection, entry: Entry, revision: int) -> None:
    noun, values = noun_of(entry), entry.values
    if isinstance(noun, Record):
        put_records(connection, [noun], revision)
    elif isinstance(noun, AcceptedEdit):
        put_accepted(connection, noun)
    elif isinstance(noun, Refusal):
        put_refusal(connection, noun)
    elif isinstance(noun, Note):
        put_note(connection, values, revision)
    elif entry.kind == "forgotten":
        forget_records(connection, _forgotten(values))
    elif entry.kind == "undone":
        total, when = _undone(values)
        connection.execute("UPDATE accepted SET undone = ? WHERE sum = ?", (when, total))
    elif entry.kind == "note forgotten":
        forget_note(connection, _source(values))
    else:
        raise ValueError(entry.kind)


def bring_together(
    connection: sqlite3.Connection,
    entries: Iterable[Entry | None],
    revision: int,
    *,
    own: bool,
    news: Iterable[Entry | None] = (),
) -> int:
    """Add what the entries of a journal hold and the file lacks; how many made no sense.

    `own` says that both were one memory once: what the file has forgotten stays so. `news` are
    those of the entries that the file has never seen: of these a person's judgement counts more
    than none, and the newer outcome or note more than the older one.
    """
    file, lacking, told = _File(connection), _State(), _State()
    bad = sum(entry is None or not lacking.take(entry, file.lacks) for entry in entries)
    for entry in news:
        if entry is not None:
            told.take(entry, file.may_weigh_less)
    works: list[Callable[[], object]] = [
        *(partial(put_records, connection, [r], revision) for r in lacking.records.values()
          if not (own and file.forgot("record", r.id))),
        *(partial(put_records, connection, [r], revision) for r in told.records.values()
          if file.judges_less(r)),
        *(partial(put_accepted, connection, edit) for edit in lacking.accepted),
        *(partial(file.undo, total, when) for total, when in lacking.undone.items()),
        *(partial(put_refusal, connection, r) for r in lacking.refusals.values()),
        *(partial(put_refusal, connection, r) for r in told.refusals.values()
          if file.refuses_less(r)),
        *(partial(put_note, connection, n.values, revision) for n in lacking.notes.values()
          if not (own and file.forgot("note", n.row[1]))),
        *(partial(put_note, connection, n.values, revision) for n in told.notes.values()
          if file.notes_less(n)),
    ]  # fmt: skip
    return bad + sum(not _done(connection, work) for work in works)


class _File:
    """What a memory's file holds, as far as a journal is weighed against it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def _one(self, sql: str, *values: str) -> Any:
        found = self._connection.execute(sql, values).fetchone()
        return found and found[0]

    def lacks(self, noun: Noun) -> bool:
        """Whether it has nothing that goes by the same key."""
        if isinstance(noun, Record):
            return self._polarity(noun) is None
        if isinstance(noun, AcceptedEdit):
            return not has_accepted(self._connection, sum_of_accepted(noun))
        if isinstance(noun, Refusal):
            return self._refusal(noun) is None
        return self._added(noun) is None

    def may_weigh_less(self, noun: Noun) -> bool:
        """Whether it has something by the same key, about which one may think otherwise."""
        return not isinstance(noun, AcceptedEdit) and not self.lacks(noun)

    def forgot(self, kind: str, item: str) -> bool:
        """Whether it was told to forget it."""
        forgotten = "SELECT 1 FROM forgotten WHERE kind = ? AND item = ?"
        return self._one(forgotten, kind, item) is not None

    def judges_less(self, record: Record) -> bool:
        """Whether a person has judged the record, and none has judged its own."""
        return record.polarity in JUDGED and self._polarity(record) not in JUDGED

    def refuses_less(self, refusal: Refusal) -> bool:
        """Whether a person has rejected it, and none has here; or else whether it is newer."""
        outcome, created = self._refusal(refusal) or ("", "")
        if refusal.outcome != outcome and "rejected" in (refusal.outcome, outcome):
            return refusal.outcome == "rejected"
        return str(created) < refusal.created

    def notes_less(self, note: Note) -> bool:
        """Whether it was read anew after the one of its source here."""
        return str(self._added(note) or "") < note.row[3]

    def undo(self, total: str, when: str) -> None:
        """Mark the accepted edit with this checksum as undone, if it stands."""
        undone = "UPDATE accepted SET undone = ? WHERE sum = ? AND undone IS NULL"
        self._connection.execute(undone, (when, total))

    def _polarity(self, record: Record) -> Any:
        return self._one("SELECT polarity FROM records WHERE id = ?", record.id)

    def _refusal(self, refusal: Refusal) -> Any:
        where = " AND ".join(f"{column} = ?" for column in REFUSED)
        found = f"SELECT outcome, created FROM refusals WHERE {where}"
        return self._connection.execute(found, refusal_key(refusal)).fetchone()

    def _added(self, note: Note) -> Any:
        return self._one("SELECT added FROM notes WHERE source = ?", note.row[1])


@dataclass
class _State:
    """What is true after all entries of a journal, of those that are wanted."""

    records: dict[str, Record] = field(default_factory=dict)
    accepted: list[AcceptedEdit] = field(default_factory=list)
    undone: dict[str, str] = field(default_factory=dict)
    refusals: dict[tuple[str, ...], Refusal] = field(default_factory=dict)
    notes: dict[str, Note] = field(default_factory=dict)

    def take(self, entry: Entry, wanted: Callable[[Noun], bool]) -> bool:
        """Take in one entry; False where it makes no sense."""
        noun = noun_of(entry)
        if noun is None:
            return self._took(entry)
        if isinstance(noun, AcceptedEdit) and noun.undone is not None:
            self.undone[sum_of_accepted(noun)] = noun.undone
        if wanted(noun):
            self._keep(noun)
        return True

    def _keep(self, noun: Noun) -> None:
        if isinstance(noun, Record):
            self.records[noun.id] = noun
        elif isinstance(noun, AcceptedEdit):
            self.accepted.append(noun)
        elif isinstance(noun, Refusal):
            before = self.refusals.get(refusal_key(noun))
            if noun.outcome == "rejected" or before is None or before.outcome == "failed":
                self.refusals[refusal_key(noun)] = noun
        else:
            self.notes[noun.row[1]] = noun

    def _took(self, entry: Entry) -> bool:
        """Take in what became of something."""
        try:
            if entry.kind == "forgotten":
                for item in _forgotten(entry.values):
                    self.records.pop(item, None)
            elif entry.kind == "undone":
                total, when = _undone(entry.values)
                self.undone[total] = when
            elif entry.kind == "note forgotten":
                self.notes.pop(_source(entry.values), None)
            else:
                return False
        except MALFORMED:
            return False
        return True


def learnt(connection: sqlite3.Connection) -> Iterator[Entry]:
    """Everything but the shipped corpus, as far as it is undamaged, and what was forgotten.

    Read as it is asked for, so that it is never all in memory.
    """
    yield from _gone(connection)
    rows = connection.execute(
        f"SELECT {', '.join(RECORD)}, sum FROM records "
        "WHERE NOT (provenance >= 'corpus:' AND provenance < 'corpus;')"
    )
    yield from _entries("record", map(sound_record, rows))
    rows = connection.execute(f"SELECT {', '.join(ACCEPTED)}, sum FROM accepted ORDER BY id")
    yield from _entries("accepted", map(sound_edit, rows))
    rows = connection.execute(f"SELECT {', '.join(REFUSAL)}, sum FROM refusals ORDER BY created")
    yield from _entries("refusal", map(sound_refusal, rows))
    rows = connection.execute(f"SELECT {', '.join(NOTE)} FROM notes ORDER BY added, id")
    for note, *values in rows.fetchall():
        passages = connection.execute(
            "SELECT section, text, line FROM passages WHERE note = ? ORDER BY number, line, id",
            (note,),
        )
        texts = [{"section": s, "text": t, "line": line} for s, t, line in passages]
        names = [*NOTE[1:], "passages"]
        yield Entry("note", dict(zip(names, [*values, texts], strict=True)))


def _gone(connection: sqlite3.Connection) -> Iterator[Entry]:
    for kind, item in connection.execute("SELECT kind, item FROM forgotten ORDER BY kind, item"):
        try:
            _texts(item)
        except MALFORMED:  # damaged: it names nothing
            continue
        if kind == "record":
            yield Entry("forgotten", {"ids": [item]})
        elif kind == "note":
            yield Entry("note forgotten", {"source": item})


def _entries(kind: str, nouns: Iterable[Record | AcceptedEdit | Refusal | None]) -> Iterator[Entry]:
    return (Entry(kind, values_of(noun)) for noun in nouns if noun is not None)
