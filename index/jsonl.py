"""Records as JSON lines: the shape of the shipped corpus and of exported memories."""

from __future__ import annotations

import json
import math
import os
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, BinaryIO

from index.errors import ExchangeError
from index.record import POLARITIES, Record, record_id

MAX_LINE = 4 << 20
"""Bytes of the longest line that is read; a record with its receipt has some 10 kB."""

_NAMES = {field.name for field in fields(Record)}
_TEXTS = _NAMES - {"ratio", "receipt"}


def dump(record: Record) -> str:
    """One record as one line, keys sorted."""
    return json.dumps(asdict(record), sort_keys=True, ensure_ascii=False) + "\n"


def read(path: Path) -> tuple[Record, ...]:
    """The records of a file. Raises ExchangeError that names the line.

    The file may come from anyone: it is only data, lines are bounded, types are checked, and ids
    are computed from the content instead of believed.
    """
    try:
        with path.open("rb") as file:
            return tuple(_parse(line, f"{path}:{n}") for n, line in _lines(file, path))
    except OSError as error:
        raise ExchangeError(
            f"{path}: can't be read: {error.strerror or error}",
            code="import-unreadable",
            mend="check the path and its permissions",
        ) from error


def _lines(file: BinaryIO, path: Path) -> Iterator[tuple[int, bytes]]:
    number = 0
    while line := file.readline(MAX_LINE + 1):
        number += 1
        if len(line) > MAX_LINE:
            raise _error(f"{path}:{number}", f"longer than {MAX_LINE} bytes")
        if line.strip():
            yield number, line


def _parse(line: bytes, where: str) -> Record:
    try:
        data = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _error(where, f"no JSON: {str(error)[:80]}") from error
    if not isinstance(data, dict) or set(data) != _NAMES:
        raise _error(where, f"a record has exactly the keys {', '.join(sorted(_NAMES))}")
    for name in _TEXTS:
        if not isinstance(data[name], str):
            raise _error(where, f"{name} is no text")
        if any("\ud800" <= char <= "\udfff" for char in data[name]):
            raise _error(where, f"{name} holds half a surrogate pair")
    if data["polarity"] not in POLARITIES:
        raise _error(where, f"polarity is one of {', '.join(POLARITIES)}")
    ratio = data["ratio"]
    if ratio is not None and not _is_ratio(ratio):
        raise _error(where, "ratio is a positive number or null")
    if data["receipt"] is not None and not isinstance(data["receipt"], dict):
        raise _error(where, "receipt is an object or null")
    texts = (data[n] for n in ("language", "slow", "fast", "bottleneck", "edit", "provenance"))
    return Record(**{**data, "id": record_id(*texts)})


def _is_ratio(value: Any) -> bool:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and 0 < value < math.inf


def _error(where: str, what: str) -> ExchangeError:
    return ExchangeError(
        f"{where}: {what}",
        code="import-malformed",
        mend="import a file that `hasten index export` wrote; nothing was imported",
    )


def write(path: Path, records: Iterable[Record]) -> int:
    """Write records in one step (a kill leaves the old file); returns how many."""
    count = 0
    try:
        descriptor, name = tempfile.mkstemp(dir=path.resolve().parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                for record in records:
                    file.write(dump(record))
                    count += 1
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ExchangeError(
            f"{path}: can't be written: {error.strerror or error}",
            code="export-failed",
            mend="check that the folder exists and is writable",
        ) from error
    return count
