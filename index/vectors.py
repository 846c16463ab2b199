"""Vectors of records and of notes' passages, in the memory's file; little-endian float32.

Equal vectors share a digest and are searched once. Each row carries the revision at which it was
written, and what is gone is listed, so that whoever built something from the vectors learns what
changed without reading them all.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from index.record import KINDS, Kind
from index.store import Memory

NOTES = "note"
"""The language and the kind of the vectors of notes' passages."""


@dataclass(frozen=True)
class Text:
    """A text that an embedder has yet to embed: whose, and which of its texts."""

    item: str
    kind: str
    language: str
    text: str


@dataclass(frozen=True)
class Changes:
    """Digests that came and went since a revision; `whole` where that can't be told any more."""

    new: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    whole: bool = False


class Vectors:
    """The vectors of one embedder in a memory."""

    def __init__(self, memory: Memory, embedder: str) -> None:
        self._memory, self._embedder = memory, embedder

    def missing(self, since: int = -1, kinds: tuple[Kind, ...] = KINDS) -> tuple[Text, ...]:
        """Every text of `kinds` (and of notes) that this embedder has yet to embed, of what was
        written after a revision.

        Empty texts have no vector.
        """
        found: list[Text] = []
        if since < self._memory.gone_before():
            since = -1  # vectors were dropped, by this process or another
        without = (
            "revision > ? AND id NOT IN "
            "(SELECT item FROM vectors WHERE embedder = ? AND kind = ?) ORDER BY id"
        )
        for kind in kinds:
            rows = self._memory.read(
                f"SELECT id, language, {kind} FROM records WHERE {kind} != '' AND {without}",
                since,
                self._embedder,
                kind,
            )
            found += [Text(row[0], kind, row[1], row[2]) for row in rows]
        rows = self._memory.read(
            f"SELECT id, section, text FROM passages WHERE {without}",
            since,
            self._embedder,
            NOTES,
        )
        found += [Text(row[0], NOTES, NOTES, f"{row[1]}\n{row[2]}") for row in rows]
        return tuple(found)

    def put(self, rows: Iterable[tuple[Text, bytes]]) -> None:
        """Keep vectors; those of texts that are gone or changed meanwhile are dropped."""
        with self._memory.write() as connection:
            revision = self._memory.revision(connection)
            for text, vector in rows:
                column, table = text.kind, "records"
                if text.kind == NOTES:
                    column, table = "section || char(10) || text", "passages"
                now = connection.execute(
                    f"SELECT {column} FROM {table} WHERE id = ?", (text.item,)
                ).fetchone()
                if now is not None and now[0] == text.text:
                    connection.execute(
                        "INSERT OR REPLACE INTO vectors "
                        "(item, kind, language, embedder, digest, vector, revision) "
                        "VALUES (?, ?, ?, ?, ?, ?, ?)",
                        (
                            text.item, text.kind, text.language, self._embedder,
                            digest_of(vector), vector, revision,
                        ),
                    )  # fmt: skip

    def digests(self, kind: str, language: str) -> tuple[str, ...]:
        """Digests of the different vectors of a kind and language, in order."""
        rows = self._memory.read(
            "SELECT DISTINCT digest FROM vectors WHERE embedder = ? AND kind = ? AND language = ? "
            "ORDER BY digest",
            self._embedder,
            kind,
            language,
        )
        return tuple(row[0] for row in rows)

    def canaries(self, kind: str, language: str, until: int, count: int) -> tuple[str, ...]:
        """About `count` digests written up to a revision, spread evenly over all of them."""
        found = []
        for step in range(count):
            rows = self._memory.read(
                "SELECT digest FROM vectors WHERE embedder = ? AND kind = ? AND language = ? "
                "AND digest >= ? AND revision <= ? ORDER BY digest LIMIT 1",
                self._embedder,
                kind,
                language,
                f"{step * 256 // count:02x}",
                until,
            )
            found += [row[0] for row in rows]
        return tuple(dict.fromkeys(found))

    def some(
        self, kind: str, language: str, digests: Iterable[str]
    ) -> tuple[tuple[str, bytes], ...]:
        """(digest, vector) of those of `digests` that there are, ordered by digest.

        One whose bytes are not those of its digest any more is left out.
        """
        rows = self._memory.read(
            "SELECT digest, vector FROM vectors WHERE embedder = ? AND kind = ? AND language = ? "
            "AND digest IN (SELECT value FROM json_each(?)) GROUP BY digest ORDER BY digest",
            self._embedder,
            kind,
            language,
            json.dumps(list(digests)),
        )
        return tuple((row[0], row[1]) for row in rows if digest_of(row[1]) == row[0])

    def of_items(self, kind: str, items: Iterable[str]) -> dict[str, bytes]:
        """Vectors by record id."""
        rows = self._memory.read(
            "SELECT item, vector FROM vectors WHERE embedder = ? AND kind = ? "
            "AND item IN (SELECT value FROM json_each(?))",
            self._embedder,
            kind,
            json.dumps(list(items)),
        )
        return {row[0]: row[1] for row in rows}

    def holders(
        self, kind: str, language: str, digests: Sequence[str], most: int
    ) -> tuple[tuple[str, ...], ...]:
        """For each digest the ids of its items, at most the `most` newest of each."""
        rows = self._memory.read(
            # CROSS JOIN keeps this order: some digests, each looked up (SQLite, query planner).
            "SELECT digest, item FROM json_each(?) CROSS JOIN vectors ON digest = value "
            "WHERE embedder = ? AND kind = ? AND language = ? ORDER BY revision DESC, item",
            json.dumps(list(digests)),
            self._embedder,
            kind,
            language,
        )
        found: dict[str, list[str]] = {}
        for digest, item in rows:
            found.setdefault(digest, []).append(item)
        return tuple(tuple(found[digest][:most]) for digest in digests if digest in found)

    def changes(self, kind: str, language: str, since: int) -> Changes:
        """What came and went after a revision."""
        if since < self._memory.gone_before():
            return Changes(whole=True)
        where = "embedder = ? AND kind = ? AND language = ? AND revision > ?"
        values = (self._embedder, kind, language, since)
        new = self._memory.read(f"SELECT DISTINCT digest FROM vectors WHERE {where}", *values)
        gone = self._memory.read(
            f"SELECT DISTINCT digest FROM gone WHERE {where} AND digest NOT IN "
            "(SELECT digest FROM vectors WHERE embedder = ?1 AND kind = ?2 AND language = ?3)",
            *values,
        )
        return Changes(tuple(row[0] for row in new), tuple(row[0] for row in gone))

    def pairs(self) -> tuple[tuple[str, str], ...]:
        """(language, kind) of which there are vectors."""
        rows = self._memory.read(
            "SELECT DISTINCT language, kind FROM vectors WHERE embedder = ? ORDER BY 1, 2",
            self._embedder,
        )
        return tuple((row[0], row[1]) for row in rows)

    def has_other_sizes(self, size: int) -> bool:
        """Whether there are vectors that are not `size` bytes long."""
        return bool(
            self._memory.read(
                "SELECT 1 FROM vectors WHERE embedder = ? AND length(vector) != ? LIMIT 1",
                self._embedder,
                size,
            )
        )

    def drop(self, *, own: bool, others: bool) -> None:
        """Forget this embedder's vectors, those of all others, or both."""
        with self._memory.write() as connection:
            connection.execute(
                "DELETE FROM vectors WHERE (embedder = ?1 AND ?2) OR (embedder != ?1 AND ?3)",
                (self._embedder, own, others),
            )
            # Thousands of rows that nobody needs: who has not seen them yet looks at all.
            connection.execute("DELETE FROM gone")
            connection.execute(
                "INSERT OR REPLACE INTO facts VALUES ('gone_before', ?)",
                (str(self._memory.revision(connection)),),
            )


def digest_of(vector: bytes) -> str:
    """What a vector goes by: a hash of its bytes."""
    return hashlib.sha256(vector).hexdigest()[:24]
