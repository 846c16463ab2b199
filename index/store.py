"""Memory: the source of truth for records, accepted edits, refusals, vectors and notes.

A file that is missing, damaged, older than its journal or another memory's is completed from the
journal on open. Everything else (Chroma, the word index) is built from here and can be thrown
away. Standard library only.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

from index.database import now, set_fact
from index.entries import JUDGED, noun_of
from index.journal import Entry
from index.mended import Mended
from index.record import IMPORTED, AcceptedEdit, Head, Passage, Polarity, Record, Refusal
from index.rows import (
    ACCEPTED,
    HEAD,
    PASSAGE,
    RECORD,
    REFUSAL,
    digest_of_row,
    forget_note,
    forget_records,
    has_accepted,
    head_of,
    next_accepted,
    put_accepted,
    put_note,
    put_records,
    put_refusal,
    sound_edit,
    sound_record,
    sound_refusal,
    sum_of_accepted,
    values_of,
)

__all__ = ["Memory", "now"]


class Memory(Mended):
    """The user's memory.

    `path` defaults to ``memory.db`` in the user's data folder. `notes` say what a person should
    know: damaged and moved aside, completed from the journal, read-only, rows that were damaged.
    Raises StoreError.
    """

    # -- records

    def add(self, record: Record) -> None:
        """Remember a record; one with the same id is replaced (its vectors stay)."""
        self.add_all((record,))

    def add_all(self, records: Iterable[Record]) -> int:
        """Remember records in one transaction; returns how many.

        What a person thought of one with the same id stays (`judge` changes that).
        """
        self._lasting("a record")
        rows = tuple(records)
        with self.write() as connection:
            judged = self._judged([record.id for record in rows])
            kept = [
                replace(r, polarity=judged[r.id])
                if r.id in judged and r.polarity not in JUDGED
                else r
                for r in rows
            ]
            count = put_records(connection, kept, self.revision(connection))
            self._note(*(Entry("record", values_of(record)) for record in kept))
            return count

    def _judged(self, ids: Sequence[str]) -> dict[str, Polarity]:
        """What a person thought of those of `ids` that are records, by id."""
        rows = self.read(
            "SELECT id, polarity FROM records WHERE id IN (SELECT value FROM json_each(?)) "
            "AND polarity IN (SELECT value FROM json_each(?))",
            json.dumps(ids),
            json.dumps(JUDGED),
        )
        return dict(rows)

    def get(self, record: str) -> Record | None:
        """The record with this id; None for one that is damaged, too."""
        return self.some((record,)).get(record)

    def all(self, language: str | None = None) -> tuple[Record, ...]:
        """All records, oldest first, of one language or of all; damaged ones are left out."""
        where, values = ("WHERE language = ? ", (language,)) if language else ("", ())
        rows = self.read(
            f"SELECT {', '.join(RECORD)}, sum FROM records {where}ORDER BY created, id", *values
        )
        return tuple(record for row in rows if (record := self._sound(row)) is not None)

    def some(self, ids: Iterable[str]) -> dict[str, Record]:
        """Those of `ids` that are records, by id."""
        rows = self.read(
            f"SELECT {', '.join(RECORD)}, sum FROM records "
            "WHERE id IN (SELECT value FROM json_each(?))",
            json.dumps(list(ids)),
        )
        return {row[0]: record for row in rows if (record := self._sound(row)) is not None}

    def heads(self, ids: Iterable[str]) -> dict[str, Head]:
        """What ranking needs of those of `ids` that are records, by id; not of damaged ones."""
        rows = self.read(
            f"SELECT {HEAD} FROM records AS head INDEXED BY records_head "
            "WHERE id IN (SELECT value FROM json_each(?))",
            json.dumps(list(ids)),
        )
        heads = {}
        for row in rows:
            try:
                heads[row[0]] = head_of(row)
            except (TypeError, ValueError):
                self.suspect()
        return heads

    def titles(self, provenance: str, polarity: Polarity) -> frozenset[str]:
        """Case-folded titles of one polarity whose provenance starts with `provenance`."""
        rows = self.read(
            "SELECT DISTINCT title FROM records "
            "WHERE provenance >= ?1 AND provenance < ?2 AND polarity = ?3",
            provenance,
            _after(provenance),
            polarity,
        )
        return frozenset(str(row[0]).casefold() for row in rows)

    def judge(self, provenance: str, titles: Collection[str], polarity: Polarity) -> int:
        """Give the records of one function whose title is one of `titles` a polarity; how many.

        What followed a ``#`` in their provenance does not matter.
        """
        if not self._unlike(provenance, titles, polarity):
            return 0
        self._lasting("what a person thought of an edit")
        with self.write() as connection:  # read again: another process may have written meanwhile
            found = self._unlike(provenance, titles, polarity)
            changed = [replace(record, polarity=polarity) for record in found]
            count = put_records(connection, changed, self.revision(connection))
            self._note(*(Entry("record", values_of(record)) for record in changed))
            return count

    def _unlike(self, provenance: str, titles: Collection[str], polarity: Polarity) -> list[Record]:
        """The records that `judge` is about and that have another polarity."""
        rows = self.read(
            "SELECT id FROM records WHERE (provenance = ?1 OR provenance >= ?1 || '#' "
            "AND provenance < ?1 || '$') AND title IN (SELECT value FROM json_each(?2))",
            provenance,
            json.dumps(sorted(titles)),
        )
        found = self.some(row[0] for row in rows).values()
        return [record for record in found if record.polarity != polarity]

    def remove(self, ids: Iterable[str]) -> None:
        """Forget records and their vectors."""
        self._lasting("that a record is forgotten")
        gone = tuple(ids)
        with self.write((Entry("forgotten", {"ids": list(gone)}),)) as connection:
            forget_records(connection, gone)

    def replace_corpus(self, name: str, version: str, records: Sequence[Record]) -> None:
        """Make `records` the only ones whose provenance starts with ``<name>:``.

        `version` is kept as the fact ``corpus:<name>``. Allowed on a read-only memory, where it
        lasts as long as the object: the corpus is shipped, not learnt.
        """
        prefix = f"{name}:"
        with self.write() as connection:
            keep = {record.id for record in records}
            old = connection.execute(
                "SELECT id FROM records WHERE provenance >= ? AND provenance < ?",
                (prefix, _after(prefix)),
            ).fetchall()
            gone = [row for row in old if row[0] not in keep]
            connection.executemany("DELETE FROM records WHERE id = ?", gone)
            put_records(connection, records, self.revision(connection))
            set_fact(connection, f"corpus:{name}", version)

    def lacking_facts(self, version: str, most: int) -> tuple[Record, ...]:
        """Up to `most` records whose static facts another vocabulary than `version` made."""
        found = self._lacking(version, most)
        if any(record is None for _, record in found):
            with self.write() as connection:  # which puts right what the journal knows
                found = self._lacking(version, most)
                # Nothing can be told of the others, and they must not be asked for again.
                connection.executemany(
                    "UPDATE records SET facts = '', shape = '', facts_by = ?1, derived = ?2, "
                    "revision = ?3 WHERE rowid = ?4",
                    [
                        (version, digest_of_row(("", "")), self.revision(connection), row)
                        for row, record in found
                        if record is None
                    ],
                )
        return tuple(record for _, record in found if record is not None)

    def _lacking(self, version: str, most: int) -> list[tuple[int, Record | None]]:
        """Rows and records without the facts of a version; None for one that is damaged."""
        rows = self.read(
            # Not !=, which looks at all rows instead of at an index.
            f"SELECT rowid, {', '.join(RECORD)}, sum FROM records "
            "WHERE facts_by < ?1 OR facts_by > ?1 LIMIT ?2",
            version,
            most,
        )
        return [(row[0], self._sound(row[1:])) for row in rows]

    def put_facts(self, version: str, rows: Iterable[tuple[str, str, str]]) -> None:
        """Keep (record id, static facts, shape); vectors of other facts are dropped."""
        with self.write() as connection:
            revision = self.revision(connection)
            connection.executemany(
                "UPDATE records SET revision = CASE WHEN facts = ?2 AND shape = ?3 "
                "THEN revision ELSE ?5 END, facts = ?2, shape = ?3, facts_by = ?4, derived = ?6 "
                "WHERE id = ?1",
                [(i, f, s, version, revision, digest_of_row((f, s))) for i, f, s in rows],
            )

    def gone_since(self, kind: str, language: str, since: int) -> tuple[str, ...] | None:
        """Ids of the records (or passages) that went after a revision; None if nobody knows."""
        if since < self.gone_before():
            return None
        rows = self.read(
            "SELECT DISTINCT item FROM gone WHERE kind = ? AND language = ? AND revision > ? "
            f"AND item NOT IN (SELECT id FROM {kind}s)",
            kind,
            language,
            since,
        )
        return tuple(row[0] for row in rows)

    def gone_before(self) -> int:
        """The revision up to which nobody remembers what went; see Vectors.drop."""
        return self.number("gone_before")

    # -- accepted edits

    def accept(self, edit: AcceptedEdit) -> AcceptedEdit:
        """Remember an edit for undo, before the file is written; returns it with its id.

        Stored first, so that a kill between the two leaves an edit whose file has other bytes
        than `after_sha256`, which undo sees, and never a changed file without its way back.
        """
        self._lasting("an accepted edit")
        with self.write() as connection:
            kept = replace(edit, id=next_accepted(connection))
            while has_accepted(connection, sum_of_accepted(kept)):  # undone within its second
                kept = replace(kept, created=_a_moment_after(kept.created))
            put_accepted(connection, kept)
            self._note(Entry("accepted", values_of(kept)))
            return kept

    def accepted(
        self, *, path: str | None = None, suggestion: str | None = None, undone: bool = False
    ) -> tuple[AcceptedEdit, ...]:
        """Accepted edits, newest first; those that were undone only if `undone`.

        One whose row is damaged is taken from the journal; where that lacks it, it is left out and
        `notes` say so: a file is never put back to bytes that may be wrong.
        """
        rows = self.read(
            f"SELECT {', '.join(ACCEPTED)}, sum FROM accepted WHERE (?1 IS NULL OR path = ?1) "
            "AND (?2 IS NULL OR suggestion = ?2) AND (?3 OR typeof(undone) != 'text') "
            "ORDER BY id DESC",
            path,
            suggestion,
            undone,
        )
        found = (self._sound_accepted(row) for row in rows)
        return tuple(edit for edit in found if edit is not None)

    def mark_undone(self, edit: int) -> None:
        """Remember that an accepted edit was taken back; the row stays."""
        self._lasting("an undone edit")
        when = now()
        with self.write() as connection:
            row = connection.execute("SELECT sum FROM accepted WHERE id = ?", (edit,)).fetchone()
            if row is not None:
                connection.execute("UPDATE accepted SET undone = ? WHERE id = ?", (when, edit))
                self._note(Entry("undone", {"sum": row[0], "undone": when}))

    # -- refusals

    def record_outcome(self, refusal: Refusal) -> None:
        """Remember that an edit was rejected or failed; a later outcome replaces an earlier one.

        A user's rejection is never replaced by a failure.
        """
        self._lasting("a rejected edit")
        with self.write((Entry("refusal", values_of(refusal)),)) as connection:
            put_refusal(connection, refusal)

    def refusals(
        self, fingerprint: str, interpreter: str, libraries: str = ""
    ) -> dict[str, Refusal]:
        """What was refused for a function on an interpreter with these libraries, by edit key.

        What the user rejected counts on any.
        """
        rows = self.read(
            f"SELECT {', '.join(REFUSAL)}, sum FROM refusals WHERE fingerprint = ?1 "
            "AND (interpreter = ?2 AND libraries = ?3 OR outcome = 'rejected') "
            "ORDER BY outcome = 'rejected'",
            fingerprint,
            interpreter,
            libraries,
        )
        found = (self._sound_refusal(row) for row in rows)
        return {refusal.edit_key: refusal for refusal in found if refusal is not None}

    # -- research notes

    def add_note(self, source: str, sha256: str, passages: Sequence[tuple[str, str, int]]) -> None:
        """Keep a note in the place of an earlier one of its source.

        `passages` are (section, text, line or page), in order.
        """
        self._lasting("a note")
        rows = [{"section": s, "text": t, "line": line} for s, t, line in passages]
        values = {"source": source, "sha256": sha256, "added": now(), "passages": rows}
        with self.write((Entry("note", values),)) as connection:
            put_note(connection, values, self.revision(connection))

    def forget_note(self, source: str) -> None:
        """Forget a note and its passages."""
        self._lasting("that a note is forgotten")
        with self.write((Entry("note forgotten", {"source": source}),)) as connection:
            forget_note(connection, source)

    def notes_read(self) -> dict[str, str]:
        """The sha256 of each note's content as it was read, by source."""
        return {row[0]: row[1] for row in self.read("SELECT source, sha256 FROM notes")}

    def passages(self, ids: Iterable[str]) -> dict[str, Passage]:
        """Those of `ids` that are passages, by id."""
        rows = self.read(
            f"SELECT {', '.join(PASSAGE)}, sum FROM passages "
            "WHERE id IN (SELECT value FROM json_each(?))",
            json.dumps(list(ids)),
        )
        sound = (row for row in rows if digest_of_row(row[:-1]) == row[-1])
        return {row[0]: Passage(row[0], *row[2:6]) for row in sound}

    # -- care

    def counts(self) -> dict[str, int]:
        """Rows of each table, for statistics."""
        tables = ("records", "vectors", "accepted", "refusals", "notes", "passages")
        return {t: int(self.read(f"SELECT count(*) FROM {t}")[0][0]) for t in tables}

    def tally(self, column: str) -> tuple[tuple[str, int], ...]:
        """How many records there are for each value of ``language`` or ``polarity``."""
        if column not in ("language", "polarity"):
            raise ValueError(column)
        rows = self.read(f"SELECT {column}, count(*) FROM records GROUP BY 1 ORDER BY 1")
        return tuple((row[0], row[1]) for row in rows)

    def proved(self) -> int:
        """How many records were proved here or shipped."""
        prefix = f"{IMPORTED}:"
        rows = self.read(
            "SELECT count(*) FROM records WHERE receipt IS NOT NULL "
            "AND NOT (provenance >= ? AND provenance < ?)",
            prefix,
            _after(prefix),
        )
        return int(rows[0][0])

    # -- inside

    def _sound(self, row: tuple[Any, ...]) -> Record | None:
        """The record of a row, or None, with a note, where its bytes are not those written."""
        with contextlib.suppress(TypeError, ValueError, KeyError, RecursionError):
            if record := sound_record(row):
                return record
        self.suspect()
        self._notes.append(
            f"{self.path}: a record was damaged and is left out (hasten index verify)"
        )
        return None

    def _sound_refusal(self, row: tuple[Any, ...]) -> Refusal | None:
        if (refusal := sound_refusal(row)) is None:
            self.suspect()
            self._notes.append(f"{self.path}: a refusal was damaged and is left out")
        return refusal

    def _sound_accepted(self, row: tuple[Any, ...]) -> AcceptedEdit | None:
        if edit := sound_edit(row):
            return edit
        self.suspect()
        item, undone = row[ACCEPTED.index("id")], row[ACCEPTED.index("undone")]
        undone = undone if isinstance(undone, str) else None
        for entry in self._journal.entries():
            kept = entry and noun_of(entry)
            if isinstance(kept, AcceptedEdit) and sum_of_accepted(kept) == row[-1]:
                self._notes.append(
                    f"{self.path}: accepted edit {item} was damaged, its journal is used"
                )
                return replace(kept, id=item, undone=undone)
        self._notes.append(f"{self.path}: accepted edit {item} is damaged and can't be undone")
        return None


def _a_moment_after(when: str) -> str:
    try:
        return (datetime.fromisoformat(when) + timedelta(microseconds=1)).isoformat()
    except ValueError:
        return datetime.now(timezone.utc).isoformat()


def _after(prefix: str) -> str:
    """The least text that is greater than all that begin with `prefix`."""
    return prefix[:-1] + chr(ord(prefix[-1]) + 1)
