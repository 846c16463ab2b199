"""Small memories for the tests of the index."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from index.query import Query
from index.record import Hit, Kind, Polarity, Record, record_id
from index.retrieval import Index
from index.store import Memory
from index.vectors import Text, Vectors

Make = Callable[..., Record]


def make_record(
    number: int = 0,
    *,
    title: str | None = None,
    bottleneck: str = "",
    edit: str = "",
    provenance: str | None = None,
    polarity: Polarity = "worked",
    language: str = "python",
    ratio: float | None = 2.0,
) -> Record:
    title = title if title is not None else f"title {number}"
    bottleneck = bottleneck or f"bottleneck number {number}"
    edit = edit or f"edit number {number}"
    provenance = provenance if provenance is not None else f"corpus:program-{number}"
    slow, fast = f"def f(): return {number} + 0\n", f"def f(): return {number}\n"
    return Record(
        id=record_id(language, slow, fast, bottleneck, edit, provenance),
        language=language,
        slow=slow,
        fast=fast,
        title=title,
        bottleneck=bottleneck,
        edit=edit,
        ratio=ratio,
        polarity=polarity,
        provenance=provenance,
        receipt={"decision": "faster", "number": number},
        created=f"2026-01-01T00:00:{number % 60:02d}+00:00",
    )


def ask(index: Index, text: str, k: int, language: str = "python", **given: Any) -> tuple[Hit, ...]:
    """A search by words."""
    return index.search(Query(hint=text, language=language, **given), k)


def put_vectors(memory: Memory, embedder: str, rows: Iterable[tuple[Record, Kind, bytes]]) -> None:
    """Keep vectors of records' texts."""
    Vectors(memory, embedder).put(
        (Text(r.id, kind, r.language, getattr(r, kind)), vector) for r, kind, vector in rows
    )


@pytest.fixture
def make() -> Make:
    return make_record


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Memory]:
    with Memory(tmp_path / "memory.db") as opened:
        yield opened
