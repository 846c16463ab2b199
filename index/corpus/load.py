"""The shipped corpus in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from index.errors import ExchangeError
from index.jsonl import read
from index.store import Memory

CORPUS = "corpus"
_LANGUAGES = ("python", "c", "c++")


def shipped(language: str) -> Path:
    """The file of a language's records."""
    return Path(__file__).resolve().parent / f"{language.replace('+', 'p')}.jsonl"


SHIPPED = tuple(shipped(language) for language in _LANGUAGES)


def load_corpus(memory: Memory, paths: Sequence[Path] = SHIPPED) -> bool:
    """Bring the memory's corpus up to the shipped files; True if anything changed.

    The hash of the files' content is the version: another one replaces all corpus records, and only
    them. Raises ExchangeError when a file is missing or malformed.
    """
    total = hashlib.sha256()
    for path in paths:
        try:
            data = path.read_bytes()
        except OSError as error:
            raise ExchangeError(
                f"{path}: the shipped corpus can't be read: {error.strerror or error}",
                code="corpus-missing",
                mend="reinstall hasten",
            ) from error
        total.update(len(data).to_bytes(8, "little") + data)
    version = total.hexdigest()
    if memory.fact(f"corpus:{CORPUS}") == version:
        return False
    records = [record for path in paths for record in read(path)]
    for record in records:
        if not record.provenance.startswith(f"{CORPUS}:"):
            raise ExchangeError(
                f"{record.provenance} is no provenance of the shipped corpus",
                code="import-malformed",
                mend="reinstall hasten",
            )
    memory.replace_corpus(CORPUS, version, [replace(r, polarity="worked") for r in records])
    return True
