"""The memory's file, kept whole: completed from its journal, and the journal from it."""

from __future__ import annotations

import sqlite3

from index import mending
from index.database import Database, set_fact
from index.entries import apply, bring_together, learnt
from index.errors import StoreError
from index.journal import ANCESTORS, Mark

_SUMS = "1"
"""Counted up when checksums are made of other columns."""
_CHECKED_BYTES = 16 << 20
"""To check all rows takes 12 ms per MB; those of larger files are checked as they are read."""
_UNMENDABLE = ("records", "refusals", "notes", "passages")


class Mended(Database):
    """A file whose rows have checksums, and whose journal holds what was learnt.

    A file that is missing, damaged, older than its journal or another memory's is completed from
    the journal on open; a journal that is missing, damaged or older from the file.
    """

    _suspect = False
    """Whether a row was found to be damaged, so that the next write mends all."""
    _mended = False
    _damaged_rows = 0
    _before = (False, False, 0)
    """The three as they were when the transaction began."""

    def damage(self) -> str | None:
        """What SQLite's full check and the checksums of all rows find wrong, or None."""
        found = []
        try:
            (said,) = self.read("PRAGMA integrity_check(1)")[0]
            if said != "ok":
                return str(said)
            if count := len(self._damaged()):
                found.append(f"{count} rows are damaged")
            if not self.read_only:
                with self._locked():
                    seen = self._seen()
                    if seen != self._journal.end() and not self._journal.has(seen):
                        found.append(f"{self._journal.path} is not as it was written")
        except (StoreError, OSError) as error:
            return str(error)
        if bad := self._journal.damage():
            found.append(bad)
        return "; ".join(found) or None

    def compact(self) -> None:
        """Write the journal anew without what was replaced since, and give back free pages.

        What is damaged and in neither of the two any more is given up, except for accepted edits.
        """
        self._lasting("a smaller file")
        self._suspect = True
        with self.write() as connection:
            for row in mending.damaged(connection) if self._damaged_rows else ():
                if row.table in _UNMENDABLE:
                    mending.drop(connection, row)
            self._write_journal(connection)
        with self._lock:
            try:
                self._connection.execute("VACUUM")
            except sqlite3.DatabaseError as error:
                self._explain("written", error)
                raise

    def suspect(self) -> None:
        """Somebody read a row that is damaged: the next write puts it right if that can be done."""
        self._suspect = not self._mended

    # -- inside

    def _started(self) -> None:
        self._before = (self._suspect, self._mended, self._damaged_rows)

    def _rolled_back(self) -> None:
        self._suspect, self._mended, self._damaged_rows = self._before

    def _complete(self) -> None:
        if self.fact("sums") != _SUMS:
            with self._locked() as connection:
                mending.sum_rows(connection)
                set_fact(connection, "sums", _SUMS)
                connection.execute("COMMIT")
        (pages, size) = (int(self.read(f"PRAGMA page_{w}")[0][0]) for w in ("count", "size"))
        self._suspect = pages * size <= _CHECKED_BYTES and bool(self._damaged())
        if self.read_only:
            with self.write() as connection:
                self._catch_up(connection)
        elif self._suspect or self._behind():
            with self.write():
                pass

    def _damaged(self) -> list[mending.Damaged]:
        with self._lock:
            try:
                return mending.damaged(self._connection)
            except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
                self._explain("read", error)
                raise

    def _end(self) -> Mark:
        try:
            return self._journal.end()
        except OSError as error:
            raise StoreError(
                f"{self._journal.path}: can't be read: {error.strerror or error}",
                code="memory-unreadable",
                mend="check its permissions: it holds a copy of what was learnt",
            ) from error

    def _behind(self) -> bool:
        """Whether file and journal do not hold the same, as far as their marks tell."""
        seen, end = self._seen(), self._end()
        return seen != end or (not end.name and self._has_learnt())

    def _has_learnt(self) -> bool:
        return bool(
            self.read(
                "SELECT 1 FROM (SELECT provenance FROM records UNION ALL SELECT 'accepted' "
                "FROM accepted UNION ALL SELECT 'refusal' FROM refusals UNION ALL "
                "SELECT 'note' FROM notes) "
                "WHERE NOT (provenance >= 'corpus:' AND provenance < 'corpus;') LIMIT 1"
            )
        )

    def _catch_up(self, connection: sqlite3.Connection) -> None:
        """Make file and journal hold the same, and put rows that are damaged right."""
        if not self._suspect and not self._behind():
            return
        seen, end, revision = self._seen(), self._end(), self.revision(connection)
        known, bad, worse = self._journal.has(seen), 0, 0
        apart = bool(end.name and seen.name) and not known and not self._journal.follows(seen)
        if self._suspect:
            bad = self._mend(connection, known)
        if apart:
            mine, theirs = {seen.name, *self._names()}, {end.name, *self._journal.ancestors()}
            own = not mine.isdisjoint(theirs)
            news = self._journal.entries(self._common(end) if own else 0)
            entries = self._journal.entries()
            worse = bring_together(connection, entries, revision, own=own, news=news)
        else:
            for entry in self._journal.entries(seen.size if known else 0):
                worse += entry is None or not apply(connection, entry, revision)
        bad = max(bad, worse)  # the same lines, where both have read them
        if self._suspect:
            self._suspect, self._mended = False, True
            self._tell_damage(len(mending.damaged(connection)) if self._damaged_rows else 0)
        if not self.read_only:
            try:
                self._settle(connection, seen, end, bad, apart)
            except OSError as error:
                raise self._unwritable(error) from error
        if end.name and not known and not apart:
            self._notes.append(f"{self.path}: what {self._journal.path.name} held was brought in")

    def _common(self, end: Mark) -> int:
        """Bytes of a journal, of this memory's or a copy's, that this file has seen.

        Nothing is behind them in a journal that was put back to an earlier state.
        """
        marks = (m for m in self._marks() if m.name == end.name and m.size <= end.size)
        return next((mark.size for mark in marks if self._journal.has(mark)), 0)

    def _mend(self, connection: sqlite3.Connection, known: bool) -> int:
        """Put rows that are damaged right; how many lines of the journal are."""
        rows = mending.damaged(connection)
        self._damaged_rows = len(rows)
        bad = mending.make_room(connection, rows, self._journal.entries())
        if rows:  # who built something from the rows that went looks at all again
            set_fact(connection, "gone_before", str(self.revision(connection)))
        if known and rows:
            entries = self._journal.entries()
            bring_together(connection, entries, self.revision(connection), own=True)
        return bad

    def _settle(
        self, connection: sqlite3.Connection, seen: Mark, end: Mark, bad: int, apart: bool
    ) -> None:
        """The file holds all that the journal does; let the journal hold all that it should."""
        name = self._journal.path
        if not end.name:
            self._write_journal(connection)
            if seen.name:
                self._notes.append(f"{name} was missing and was written anew")
        elif apart or bad:
            kept = self._journal.keep()
            try:
                self._write_journal(connection)
            except StoreError:  # the journal is as it was, and would be kept each time
                kept.unlink()
                raise
            if apart:
                self._notes.append(
                    f"{name} was not the one of {self.path}: what both held is in both now, "
                    f"the former journal is {kept}"
                )
            if bad:
                self._notes.append(f"{name}: {bad} damaged lines were left out; they are in {kept}")
        elif seen != end:
            self._set_mark(connection, end)

    def _write_journal(self, connection: sqlite3.Connection) -> None:
        """Write the journal anew from all that was learnt."""
        before = (self._end().name, *self._journal.ancestors(), self._seen().name, *self._names())
        try:
            mark = self._journal.replace(learnt(connection), before, (self._end(), *self._marks()))
        except OSError as error:
            raise self._unwritable(error) from error
        self._set_mark(connection, mark)

    def _set_mark(self, connection: sqlite3.Connection, mark: Mark) -> None:
        names = dict.fromkeys((*self._journal.ancestors(), self._seen().name, *self._names()))
        set_fact(connection, "journals", " ".join([name for name in names if name][:ANCESTORS]))
        self._set_seen(connection, mark)

    def _names(self) -> list[str]:
        """Names of the journals that this file has seen before the one that it has now."""
        return (self.fact("journals") or "").split()

    def _tell_damage(self, left: int) -> None:
        if (mended := self._damaged_rows - left) > 0:
            self._notes.append(
                f"{self.path}: {mended} damaged rows were put right, from "
                f"{self._journal.path.name} where they were learnt"
            )
        if left:
            self._notes.append(
                f"{self.path}: {left} damaged rows are lost: {self._journal.path.name} lacks them"
            )
