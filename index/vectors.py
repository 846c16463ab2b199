"""Vectors of records and of notes' passages, in the memory's file; little-endian float32.

Equal vectors share a digest and are searched once. Each row carries the revision at which it was
written, and what is gone is listed, so that whoever built something from the vectors learns what
changed without reading them all.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from index.manifest import UNREADABLE, sealed, unsealed
from index.record import KINDS, Kind
from index.store import Memory
from index.words import valid

_COMPLETE = "complete:"
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


@dataclass(frozen=True)
class Complete:
    """What need not be looked at again: up to `revision` every text of `kinds`, and every passage,
    has a vector; up to `looked` all vectors are `size` bytes long.

    True while no vectors were dropped but with their texts (`Memory.gone_before`).
    """

    revision: int
    kinds: tuple[str, ...]
    size: int
    looked: int


_LANGUAGES = (
    "WITH RECURSIVE spoken(name) AS (SELECT min(language) FROM records UNION ALL "
    "SELECT (SELECT min(language) FROM records WHERE language > name) FROM spoken "
    "WHERE name IS NOT NULL)"
)
_PAIRS = """
    WITH RECURSIVE found(place) AS (
        SELECT (SELECT rowid FROM vectors WHERE embedder = ?1 ORDER BY kind, language LIMIT 1)
        UNION ALL
        SELECT coalesce(
            (SELECT rowid FROM vectors WHERE embedder = ?1 AND kind = last.kind
            AND language > last.language ORDER BY language LIMIT 1),
            (SELECT rowid FROM vectors WHERE embedder = ?1 AND kind > last.kind
            ORDER BY kind, language LIMIT 1)
        ) FROM found JOIN vectors AS last ON last.rowid = found.place
    )
    SELECT language, kind FROM found JOIN vectors ON vectors.rowid = place ORDER BY 1, 2
"""
"""Both jump from value to value along an index; DISTINCT reads all of it."""


class Vectors:
    """The vectors of one embedder in a memory."""

    def __init__(self, memory: Memory, embedder: str) -> None:
        self._memory, self._embedder = memory, embedder

    def missing(
        self, since: int = -1, kinds: tuple[Kind, ...] = KINDS, *, had: bool = False
    ) -> tuple[Text, ...]:
        """Every text of `kinds` (and of notes) that this embedder has yet to embed, of what was
        written after a revision; with `had` also those that it has embedded.

        Empty texts have no vector, and damaged ones none until they are mended.
        """
        if since < self._memory.gone_before():
            since = -1  # vectors were dropped, by this process or another
        without = (
            "(? OR NOT EXISTS (SELECT 1 FROM vectors WHERE embedder = ? AND kind = ? "
            "AND item = id)) ORDER BY id"
        )
        found: list[Text] = []
        for kind in kinds:
            rows = self._memory.read(
                # CROSS JOIN: what is new is looked up by language, not found by reading all.
                f"{_LANGUAGES} SELECT id, language, {kind} FROM spoken CROSS JOIN records "
                f"ON language = spoken.name WHERE revision > ? AND {kind} != '' AND {without}",
                since,
                had,
                self._embedder,
                kind,
            )
            found += self._whole(Text(row[0], kind, row[1], row[2]) for row in rows)
        rows = self._memory.read(
            f"SELECT id, section || char(10) || text FROM passages WHERE revision > ? "
            f"AND {without}",
            since,
            had,
            self._embedder,
            NOTES,
        )
        found += self._whole(Text(row[0], NOTES, NOTES, row[1]) for row in rows)
        return tuple(found)

    def _whole(self, texts: Iterable[Text]) -> list[Text]:
        """Those that are texts; where damage made something else of one, the memory is told."""
        texts = list(texts)
        whole = [t for t in texts if all(map(_is_text, (t.item, t.language, t.text)))]
        if len(whole) < len(texts):
            self._memory.suspect()
        return whole

    def complete(self) -> Complete | None:
        """What an earlier session has found to be complete, as far as that is still true."""
        try:
            values = unsealed(self._memory.fact(f"{_COMPLETE}{self._embedder}") or "")
            found = Complete(**{**values, "kinds": tuple(values["kinds"])})
            before, now = self._memory.gone_before(), self._memory.generation()
            good = before <= found.revision <= found.looked <= now
        except UNREADABLE:
            return None
        return found if good else None

    def keep_complete(self, found: Complete) -> None:
        """Spare later sessions to look for what is missing; not while another process writes."""
        self._memory.try_fact(f"{_COMPLETE}{self._embedder}", sealed(asdict(found)))

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
        return _texts(rows)

    def canaries(self, kind: str, language: str, until: int, count: int) -> tuple[str, ...]:
        """About `count` digests written up to a revision, spread evenly over all of them."""
        found: list[str] = []
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
            found += _texts(rows)
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
        return tuple(
            (row[0], row[1])
            for row in rows
            if isinstance(row[1], bytes) and digest_of(row[1]) == row[0]
        )

    def holders(
        self, kind: str, language: str, digests: Sequence[str], most: int
    ) -> tuple[tuple[str, ...], ...]:
        """For each digest the ids of its items, at most the `most` newest of each."""
        rows = self._memory.read(
            # A damaged item may be a blob, of which JSON knows nothing.
            "SELECT (SELECT json_group_array(CASE typeof(item) WHEN 'text' THEN item END) "
            "FROM (SELECT item FROM vectors "
            "WHERE embedder = ?2 AND kind = ?3 AND language = ?4 AND digest = value "
            "ORDER BY revision DESC, item LIMIT ?5)) FROM json_each(?1)",
            json.dumps(list(digests)),
            self._embedder,
            kind,
            language,
            most,
        )
        lists = json.loads(f"[{','.join(row[0] for row in rows)}]")
        found = (tuple(filter(_is_text, items)) for items in lists)
        return tuple(items for items in found if items)

    def changes(self, kind: str, language: str, since: int) -> Changes:
        """What came and went after a revision."""
        if since < self._memory.gone_before():
            return Changes(whole=True)
        where = "embedder = ? AND kind = ? AND language = ? AND revision > ?"
        values = (self._embedder, kind, language, since)
        new = self._memory.read(
            # Not the index by digest, of which DISTINCT would have all rows read.
            f"SELECT DISTINCT digest FROM vectors INDEXED BY vectors_revision WHERE {where}",
            *values,
        )
        gone = self._memory.read(
            f"SELECT DISTINCT digest FROM gone WHERE {where} AND NOT EXISTS (SELECT 1 FROM vectors "
            "WHERE embedder = ?1 AND kind = ?2 AND language = ?3 AND digest = gone.digest)",
            *values,
        )
        return Changes(_texts(new), _texts(gone))

    def pairs(self) -> tuple[tuple[str, str], ...]:
        """(language, kind) of which there are vectors."""
        rows = self._memory.read(_PAIRS, self._embedder)
        return tuple((row[0], row[1]) for row in rows if _is_text(row[0]) and _is_text(row[1]))

    def has_other_sizes(self, size: int, since: int = -1) -> bool:
        """Whether there are vectors, written after a revision, that are not `size` bytes long."""
        return any(
            self._memory.read(
                "SELECT 1 FROM vectors WHERE embedder = ? AND kind = ? AND language = ? "
                "AND revision > ? AND length(vector) != ? LIMIT 1",
                self._embedder,
                kind,
                language,
                since,
                size,
            )
            for language, kind in self.pairs()
        )

    def sizes(self) -> tuple[int, ...]:
        """Lengths of this embedder's vectors in bytes, each once; reads all of them."""
        rows = self._memory.read(
            "SELECT DISTINCT length(vector) FROM vectors WHERE embedder = ? ORDER BY 1",
            self._embedder,
        )
        return tuple(int(row[0]) for row in rows)

    def drop(self, *, own: bool, others: bool) -> None:
        """Forget this embedder's vectors, those of all others, or both."""
        self._drop("(embedder = ?1 AND ?2) OR (embedder != ?1 AND ?3)", own, others)

    def drop_but(self, since: int) -> None:
        """Forget all but those that this embedder made after a revision."""
        self._drop("embedder != ?1 OR revision <= ?2", since)

    def _drop(self, which: str, *values: int) -> None:
        with self._memory.write() as connection:
            connection.execute(f"DELETE FROM vectors WHERE {which}", (self._embedder, *values))
            # Thousands of rows that nobody needs: who has not seen them yet looks at all.
            connection.execute("DELETE FROM gone")
            connection.execute(
                "INSERT OR REPLACE INTO facts VALUES ('gone_before', ?)",
                (str(self._memory.revision(connection)),),
            )


def _is_text(value: object) -> bool:
    """Whether it is a text that can be written as UTF-8: damage makes others of a column's."""
    return isinstance(value, str) and value == valid(value)


def _texts(rows: Iterable[Sequence[object]]) -> tuple[str, ...]:
    """The first column, of rows in which it is a text."""
    return tuple(str(row[0]) for row in rows if _is_text(row[0]))


def digest_of(vector: bytes) -> str:
    """What a vector goes by: a hash of its bytes."""
    return hashlib.sha256(vector).hexdigest()[:24]
