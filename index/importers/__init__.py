"""Importers of claimed optimizations: each reads one format of others into claims.

What is read is never believed: `optimizer.claims` proves each claim anew or says why it can't. To
add a format: a module with `recognises` and `read`, and its row below, before those that could
mistake it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from index.importers import coffe, enamel, fasterpy, mercury, pie
from index.importers.claim import PROVED, Claim, ClaimError
from index.importers.rows import first_row
from index.record import IMPORTED, Record
from index.store import Memory

__all__ = ["FORMATS", "Claim", "ClaimError", "keep_proved", "kept_origins", "read_claims"]


class Importer(Protocol):
    """What a module of a format offers."""

    def recognises(self, first: dict[str, Any]) -> bool:
        """Whether a file's first object (or row) is of this format."""

    def read(self, path: Path) -> Iterator[Claim]:
        """The claims of a file, in order. Raises ClaimError."""


FORMATS: dict[str, Importer] = {
    "enamel": enamel,
    "coffe": coffe,
    "mercury": mercury,
    "pie": pie,
    "fasterpy": fasterpy,
}


def read_claims(path: Path, format: str = "auto") -> Iterator[Claim]:
    """The claims of a file, in order, read as they are asked for; "auto" tells the format itself.

    Raises ClaimError, for the format at once and for a row when it is reached.
    """
    return importer_of(path, format).read(path)


def importer_of(path: Path, format: str = "auto") -> Importer:
    """The importer of a file. Raises ClaimError."""
    names = ", ".join(FORMATS)
    if format != "auto":
        if format not in FORMATS:
            raise ClaimError(
                f"{format!r} is no format of claims",
                code="claim-format",
                mend=f"name one of {names}",
            )
        return FORMATS[format]
    first = first_row(path)
    for importer in FORMATS.values():
        if importer.recognises(first.data):
            return importer
    keys = ", ".join(sorted(map(str, first.data)))[:120]
    raise ClaimError(
        f"{first.where}: no known format has the keys {keys or '(none)'}",
        code="claim-format",
        mend=f"name its format with --format: {names}",
    )


def kept_origins(memory: Memory, *, unproved: bool = False) -> frozenset[str]:
    """The origins of all claims that were proved here; with `unproved`, of mere claims, too."""
    found: set[str] = set()
    for prefix in (PROVED, IMPORTED) if unproved else (PROVED,):
        rows = memory.read(
            "SELECT provenance FROM records WHERE provenance >= ? AND provenance < ?",
            f"{prefix}:",
            f"{prefix};",  # the sign after ":"
        )
        found |= {str(row[0]).removeprefix(f"{prefix}:") for row in rows}
    return frozenset(found)


def keep_proved(memory: Memory, claim: Claim, record: Record) -> None:
    """Add the record of a claim that was proved here, in the place of the mere claim."""
    memory.add(record)
    rows = memory.read("SELECT id FROM records WHERE provenance = ?", claim.unproved_provenance)
    if rows:
        memory.remove([str(row[0]) for row in rows])
