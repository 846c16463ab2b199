"""Rows of a file of claims: JSON lines, one JSON array, or CSV; bounded, with checked types.

The file may come from anyone. It is only data; what is wrong with it is told with file and line.
"""

from __future__ import annotations

import csv
import hashlib
import json
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from index.importers.claim import ClaimError

MAX_LINE = 16 << 20
"""Characters of the longest line that is read; a program with its tests has some 100 kB."""
MAX_ARRAY = 256 << 20
"""Characters of the largest file that is one JSON array: it is held in memory."""
MAX_CODE = 200_000
"""Characters of a side of a claim; what is longer is no function and no contest's program."""
MAX_WORDS = 8_000
"""Characters of a text for people."""
MAX_EDITS = 100
_BLANK = re.compile(r"[ \t\r\n]*")
_COMMA = re.compile(r"[ \t\r\n]*,?[ \t\r\n]*")
_ODD = re.compile(r"[^!-~]+")


@dataclass(frozen=True)
class Row:
    """One object of a file; `where` is FILE:LINE. Its methods raise ClaimError."""

    data: dict[str, Any]
    where: str

    def error(self, what: str) -> ClaimError:
        """What is wrong with this row, and how to go on."""
        return ClaimError(
            f"{self.where}: {what}",
            code="claim-malformed",
            mend="mend or remove the line, then import again: what is in the memory is skipped",
        )

    def text(self, name: str, default: str | None = None) -> str:
        """A text; where it is missing or null, `default`, which makes it optional."""
        value = self.data.get(name)
        if value is None and default is not None:
            return default
        if not isinstance(value, str):
            raise self.error(f"{name} is no text" if name in self.data else f"{name} is missing")
        return self.sound(value, name)

    def words(self, name: str, default: str = "") -> str:
        """A text for people: not long, with nothing in it that can't be printed."""
        return plain(self.text(name, default))

    def sound(self, value: str, name: str) -> str:
        """The text, which can be written as UTF-8."""
        if any("\ud800" <= char <= "\udfff" for char in value):
            raise self.error(f"{name} holds half a surrogate pair")
        return value

    def code(self, *names: str) -> str:
        """Source text under the first of these names that is there."""
        name = next((n for n in names if self.data.get(n) is not None), names[0])
        value = self.text(name)
        if len(value) > MAX_CODE:
            raise self.error(f"{name} has {len(value)} characters, the most are {MAX_CODE}")
        return value if value.endswith("\n") or not value else f"{value}\n"

    def number(self, *names: str) -> float | None:
        """A finite number under the first of these names that has one, or None."""
        for name in names:
            value = self.data.get(name)
            if value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise self.error(f"{name} is no number")
            if abs(value) < 1e300 and math.isfinite(value):
                return float(value)
        return None

    def ratio(self, before: str, after: str) -> float | None:
        """The quotient of two times, None where one is missing or not positive."""
        slow, fast = self.number(before), self.number(after)
        return slow / fast if slow and fast and slow > 0 and fast > 0 else None

    def items(self, name: str) -> list[Any]:
        """A list; where it is missing or null, an empty one."""
        value = self.data.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.error(f"{name} is no list")
        return value

    def numbered(self, value: Any, name: str) -> tuple[str, ...]:
        """Texts in a list, or in an object whose keys are their numbers: "10" comes after "9"."""
        if isinstance(value, dict):
            try:
                value = [value[key] for key in sorted(value, key=_number)]
            except (ValueError, OverflowError):
                raise self.error(f"the keys of {name} are no numbers") from None
        if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
            raise self.error(f"{name} is no list of texts")
        if len(value) > MAX_EDITS:
            raise self.error(f"{name} has more than {MAX_EDITS} entries")
        return tuple(plain(self.sound(text, name)) for text in value)


def _number(key: str) -> int:
    if not (key.isascii() and key.isdigit() and len(key) < 10):
        raise ValueError(key)
    return int(key)


def plain(text: str) -> str:
    """The text, cut where it is long, with blanks for what can't be printed; lines stay."""
    kept = text[:MAX_WORDS].strip()
    return kept if kept.isprintable() else "".join(map(_printed, kept))


def _printed(char: str) -> str:
    return char if char.isprintable() or char == "\n" else " "


def word_of(text: str) -> str:
    """The text as a part of an origin: printable ASCII without blanks, not long."""
    return _ODD.sub("-", text)[:120]


def digest_of(*texts: str) -> str:
    """What stands for a claim without an id in its origin: the same in any file, at any line."""
    whole = "\0".join(texts).encode("utf-8", "surrogatepass")
    return hashlib.sha256(whole).hexdigest()[:16]


def small_text(path: Path, most: int, mend: str) -> str:
    """A text file of at most `most` bytes. Raises ClaimError for a larger one."""
    with path.open("rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise ClaimError(f"{path}: larger than {most >> 20} MB", code="claim-too-large", mend=mend)
    return data.decode("utf-8", "replace")


def rows_of(path: Path) -> Iterator[Row]:
    """The rows of a file, in order. Raises ClaimError."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            if path.suffix.lower() == ".csv":
                yield from _table(file, path)
            elif _is_array(file):
                yield from _array(file, path)
            else:
                yield from _lines(file, path)
    except UnicodeDecodeError as error:
        raise ClaimError(
            f"{path}: not UTF-8: {error.reason}", code="claim-encoding", mend="save it as UTF-8"
        ) from error
    except OSError as error:
        raise ClaimError(
            f"{path}: can't be read: {error.strerror or error}",
            code="claim-unreadable",
            mend="check the path and its permissions",
        ) from error


def first_row(path: Path) -> Row:
    """The first row. Raises ClaimError, also where there is none."""
    for row in rows_of(path):
        return row
    raise ClaimError(f"{path}: it is empty", code="claim-empty", mend="name another file")


def _is_array(file: TextIO) -> bool:
    head = file.read(4096)
    file.seek(0)
    return head.lstrip("\ufeff \t\r\n").startswith("[")


def _bounded(file: TextIO, path: Path) -> Iterator[tuple[int, str]]:
    for number in _count():
        line = file.readline(MAX_LINE + 1)
        if not line:
            return
        if len(line) > MAX_LINE:
            raise Row({}, f"{path}:{number}").error(f"longer than {MAX_LINE >> 20} MB")
        yield number, line


def _count() -> Iterator[int]:
    number = 0
    while True:
        number += 1
        yield number


def _lines(file: TextIO, path: Path) -> Iterator[Row]:
    for number, line in _bounded(file, path):
        if line.strip():
            where = f"{path}:{number}"
            try:
                value = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise Row({}, where).error(f"no JSON: {str(error)[:80]}") from error
            yield _row(value, where)


def _array(file: TextIO, path: Path) -> Iterator[Row]:
    text = file.read(MAX_ARRAY + 1)
    if len(text) > MAX_ARRAY:
        raise ClaimError(
            f"{path}: one array of more than {MAX_ARRAY >> 20} MB",
            code="claim-too-large",
            mend="write it as JSON lines, one object a line",
        )
    decoder, at, line = json.JSONDecoder(), text.index("[") + 1, 1
    seen = 0
    while True:
        at = _skip(_BLANK if not seen else _COMMA, text, at)
        if text.startswith("]", at):
            return
        line += text.count("\n", seen, at)
        seen, where = at, f"{path}:{line}"
        try:
            value, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            raise Row({}, where).error(f"no JSON: {str(error)[:80]}") from error
        yield _row(value, where)


def _skip(pattern: re.Pattern[str], text: str, at: int) -> int:
    match = pattern.match(text, at)
    return match.end() if match else at


def _table(file: TextIO, path: Path) -> Iterator[Row]:
    lines: Iterable[str] = (line for _, line in _bounded(file, path))
    reader = csv.DictReader(lines, strict=True)
    try:
        for data in reader:
            where = f"{path}:{reader.line_num}"
            if None in data or None in data.values():
                raise Row({}, where).error("it has not as many fields as the head")
            yield Row(dict(data), where)
    except csv.Error as error:
        raise Row({}, f"{path}:{reader.line_num}").error(f"no CSV: {error}") from error


def _row(value: Any, where: str) -> Row:
    if not isinstance(value, dict):
        raise Row({}, where).error("a row is an object")
    return Row(value, where)
