"""Records as JSON lines: the shape of the shipped corpus and of exported memories.

The last line seals the file: how many records there are and a hash of all bytes before it. A file
that was cut off, or in which anything was changed by hand or on the way, is not imported.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, BinaryIO

from index.errors import ExchangeError
from index.record import POLARITIES, Record, Step, record_id
from index.rows import record_from

MAX_LINE = 4 << 20
"""Bytes of the longest line that is read; a record with its receipts has some 10 kB."""
FORMAT = 2
"""Counted up with the keys of a record; a file of a later one is refused."""

_NAMES = {field.name for field in fields(Record)}
_OPTIONAL = {"purpose", "facts", "shape", "steps", "sizes", "requires", "rule", "notice"}
_OTHERS = {"ratio", "receipt", "steps", "sizes", "requires"}
_STEP = {field.name for field in fields(Step)}
_MOST_STEPS = 100
_MOST_REQUIREMENT = 200
_MOST_RATIO = 1e15
"""No size and no gain is larger."""
_MOST_NUMBER = 1e300
"""Of a receipt's numbers: any of them can be made a float."""
_RATIO = f"a positive number below {_MOST_RATIO:g}"
_MOST_DEPTH = 100
"""Lists and objects of a receipt inside of each other."""


def dump(record: Record) -> str:
    """One record as one line, keys sorted; without what can be read again from the code."""
    values = asdict(record)
    if record.slow:
        del values["facts"], values["shape"]
    return json.dumps(values, sort_keys=True, ensure_ascii=False) + "\n"


def read(path: Path) -> tuple[Record, ...]:
    """The records of a file. Raises ExchangeError that names the line.

    The file may come from anyone: it is only data, lines are bounded, types are checked, and ids
    are computed from the content instead of believed. Files of format 1 have no seal.
    """
    try:
        with path.open("rb") as file:
            return tuple(_records(file, path))
    except OSError as error:
        raise ExchangeError(
            f"{path}: can't be read: {error.strerror or error}",
            code="import-unreadable",
            mend="check the path and its permissions",
        ) from error


def _records(file: BinaryIO, path: Path) -> Iterator[Record]:
    total, count, sealed, old = hashlib.sha256(), 0, False, True
    for number, line in _lines(file, path):
        where = f"{path}:{number}"
        if sealed:
            raise _error(where, "there is more behind the line that seals the file")
        data = _object(line, where)
        if "sealed" in data:
            if data["sealed"] != {"format": FORMAT, "records": count, "sha256": total.hexdigest()}:
                format_ = data["sealed"].get("format") if isinstance(data["sealed"], dict) else None
                if isinstance(format_, int) and format_ > FORMAT:
                    raise _error(where, f"format {format_} is of a newer hasten")
                raise _error(where, "the file was changed since it was written")
            sealed = True
            continue
        total.update(line)
        count += 1
        old = old and not _OPTIONAL & set(data)
        yield _record(data, where)
    if not sealed and not old:
        raise _error(str(path), "it was cut off: the line that seals it is missing")


def _lines(file: BinaryIO, path: Path) -> Iterator[tuple[int, bytes]]:
    number = 0
    while line := file.readline(MAX_LINE + 1):
        number += 1
        if len(line) > MAX_LINE:
            raise _error(f"{path}:{number}", f"longer than {MAX_LINE} bytes")
        if line.strip():
            yield number, line


def _object(line: bytes, where: str) -> dict[str, Any]:
    try:
        data = json.loads(line, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise _error(where, f"no JSON: {str(error)[:80]}") from error
    if not isinstance(data, dict):
        raise _error(where, "a record is an object")
    return data


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number")


def _record(data: dict[str, Any], where: str) -> Record:
    if set(data) - _NAMES or _NAMES - _OPTIONAL - set(data):
        raise _error(where, f"a record has exactly the keys {', '.join(sorted(_NAMES))}")
    for name in (_NAMES & set(data)) - _OTHERS:
        _check_text(data[name], name, where)
    if data["polarity"] not in POLARITIES:
        raise _error(where, f"polarity is one of {', '.join(POLARITIES)}")
    if data["ratio"] is not None and not _is_ratio(data["ratio"]):
        raise _error(where, f"ratio is {_RATIO} or null")
    _check_receipt(data["receipt"], "receipt", where)
    _check_lists(data, where)
    texts = (data[n] for n in ("language", "slow", "fast", "bottleneck", "edit", "provenance"))
    return record_from({**data, "id": record_id(*texts)})


def _check_text(value: Any, name: str, where: str) -> None:
    if not isinstance(value, str):
        raise _error(where, f"{name} is no text")
    if any("\ud800" <= char <= "\udfff" for char in value):
        raise _error(where, f"{name} holds half a surrogate pair")


def _check_receipt(receipt: Any, name: str, where: str) -> None:
    """Whether a receipt can be copied, written and shown: its form is nobody's business here."""
    if receipt is None:
        return
    if not isinstance(receipt, dict):
        raise _error(where, f"{name} is an object or null")
    stack: list[tuple[Any, int]] = [(receipt, 1)]
    while stack:
        value, depth = stack.pop()
        if depth > _MOST_DEPTH:
            raise _error(where, f"{name} is nested deeper than {_MOST_DEPTH}")
        if isinstance(value, dict):
            stack.extend((part, depth + 1) for pair in value.items() for part in pair)
        elif isinstance(value, list):
            stack.extend((part, depth + 1) for part in value)
        elif isinstance(value, str):
            _check_text(value, name, where)
        elif isinstance(value, (int, float)) and not abs(value) < _MOST_NUMBER:
            raise _error(where, f"{name} holds a number that is not below {_MOST_NUMBER:g}")


def _check_lists(data: dict[str, Any], where: str) -> None:
    steps, sizes, requires = (data.get(name, []) for name in ("steps", "sizes", "requires"))
    if not all(isinstance(part, list) for part in (steps, sizes, requires)):
        raise _error(where, "steps, sizes and requires are lists")
    if len(steps) > _MOST_STEPS or len(sizes) > _MOST_STEPS or len(requires) > _MOST_STEPS:
        raise _error(where, f"more than {_MOST_STEPS} steps, sizes or requirements")
    for step in steps:
        if not isinstance(step, dict) or set(step) != _STEP:
            raise _error(where, f"a step has exactly the keys {', '.join(sorted(_STEP))}")
        for name in ("title", "edit", "code"):
            _check_text(step[name], f"a step's {name}", where)
        if step["ratio"] is not None and not _is_ratio(step["ratio"]):
            raise _error(where, f"a step's ratio is {_RATIO} or null")
        _check_receipt(step["receipt"], "a step's receipt", where)
    for size in sizes:
        if not isinstance(size, list) or len(size) != 2 or not all(map(_is_ratio, size)):
            raise _error(where, f"a size is a pair, each {_RATIO}")
    for requirement in requires:
        _check_text(requirement, "a requirement", where)
        if len(requirement) > _MOST_REQUIREMENT:
            raise _error(where, f"a requirement is longer than {_MOST_REQUIREMENT} characters")


def _is_ratio(value: Any) -> bool:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and 0 < value < _MOST_RATIO


def _error(where: str, what: str) -> ExchangeError:
    return ExchangeError(
        f"{where}: {what}",
        code="import-malformed",
        mend="import a file that `hasten index export` wrote; nothing was imported",
    )


def write(path: Path, records: Iterable[Record]) -> int:
    """Write records in one step (a kill leaves the old file) and seal them; returns how many."""
    total, count = hashlib.sha256(), 0
    try:
        descriptor, name = tempfile.mkstemp(dir=path.resolve().parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                for record in records:
                    line = dump(record).encode("utf-8")
                    total.update(line)
                    file.write(line)
                    count += 1
                seal = {"format": FORMAT, "records": count, "sha256": total.hexdigest()}
                file.write(json.dumps({"sealed": seal}).encode() + b"\n")
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
