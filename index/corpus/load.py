"""The shipped corpus in memory."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

from index.errors import ExchangeError
from index.jsonl import read
from index.store import Memory

CORPUS = "corpus"
SHIPPED = Path(__file__).resolve().parent / "python.jsonl"


def load_corpus(memory: Memory, path: Path = SHIPPED) -> bool:
    """Bring the memory's corpus up to the shipped file; True if anything changed.

    The file's content hash is the version: another one replaces all corpus records, and only them.
    Raises ExchangeError when the file is missing or malformed.
    """
    try:
        version = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise ExchangeError(
            f"{path}: the shipped corpus can't be read: {error.strerror or error}",
            code="corpus-missing",
            mend="reinstall hasten",
        ) from error
    if memory.fact(f"corpus:{CORPUS}") == version:
        return False
    records = read(path)
    for record in records:
        if not record.provenance.startswith(f"{CORPUS}:"):
            raise ExchangeError(
                f"{path}: {record.provenance} is no provenance of the corpus",
                code="import-malformed",
                mend="reinstall hasten",
            )
    memory.replace_corpus(CORPUS, version, [replace(r, polarity="worked") for r in records])
    return True
