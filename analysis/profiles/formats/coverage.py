"""Reads coverage.py's data with contexts: by how many tests each function and line is reached.

Coverage measures no time, so this is no ranking by cost: a "sample" is a context (a test) under
which a line ran, and the whole is their number. It tells which functions the tests reach at all,
and which by all of them. A file without contexts holds nothing of that and is refused, with the
setting that records them. What a hostile file can do is in analysis.coverage_data: nothing.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing

from analysis.coverage_data import (
    MAGIC,
    MOST_LINE,
    MOST_NUMBITS,
    CantUse,
    CoverageData,
    printable,
)
from analysis.errors import AnalysisError
from analysis.functions import Function
from analysis.profiles.damage import Damaged, Truncated
from analysis.profiles.file import ProfileFile
from analysis.profiles.model import FunctionCost, LineCost, Profile
from analysis.profiles.places import Places, functions_of

_MAX_FILES = 20_000
_MAX_PAIRS = 20_000_000
"""Of a line and a context that ran it, in all files."""
_MAX_TESTS = 50_000
_MAX_NAME = 2_000
_PHASES = ("|setup", "|run", "|teardown")
"""What pytest-cov adds to a test's name."""


def recognises(head: bytes) -> bool:
    """Whether it is an SQLite file with a table that coverage writes."""
    return head.startswith(MAGIC) and (b"coverage_schema" in head or len(head) < len(MAGIC) + 84)


def read(file: ProfileFile, places: Places) -> Profile:
    """The reach of the tests in a data file.

    Raises Truncated or Damaged, and AnalysisError (profile-empty) where no contexts were recorded.
    """
    if file.is_compressed:
        raise Damaged("a packed SQLite file")
    if file.size < _promised_size(file.head):
        raise Truncated
    try:
        with closing(CoverageData(file.path.absolute())) as data:
            return _profile(file, data, places)
    except CantUse as error:
        raise Damaged(f"it {error}") from error
    except (sqlite3.Error, sqlite3.Warning, OverflowError, ValueError) as error:
        raise Damaged(printable(str(error))) from error


def _promised_size(head: bytes) -> int:
    """Bytes of the whole by its header; https://sqlite.org/fileformat.html section 1.3."""
    if len(head) < 100:
        return 100
    page = int.from_bytes(head[16:18], "big")
    return (65536 if page == 1 else page) * int.from_bytes(head[28:32], "big")


def _profile(file: ProfileFile, data: CoverageData, places: Places) -> Profile:
    tests = _tests(data)
    if not tests:
        raise AnalysisError(
            f"{file.path}: the coverage data have no contexts, and so do not say who ran what",
            code="profile-empty",
            mend='record them: set dynamic_context = "test_function" in [tool.coverage.run],'
            " or run pytest with --cov-context=test",
        )
    functions: list[FunctionCost] = []
    lines: list[LineCost] = []
    left = _MAX_PAIRS
    for number, named in _files(data):
        file.moved(file.size)
        path = places.file(named)
        if path is None:
            continue
        found: defaultdict[int, int] = defaultdict(int)
        for line, test in _reached(data, number, tests):
            found[line] |= 1 << test
            left -= 1
            if left < 0:
                raise Damaged(f"more than {_MAX_PAIRS} lines of all tests")
        for line, by in sorted(found.items()):
            reached = by.bit_count()
            lines.append(LineCost(path, line, reached, reached, None, reached))
        functions += _costs(path, found)
    if not functions:
        functions = [FunctionCost(named, "<module>", 1, 1, 1, 1, None) for _, named in _files(data)]
    total = float(len(set(tests.values())))
    return Profile("coverage", "samples", total, tuple(functions), lines=tuple(lines))


def _tests(data: CoverageData) -> dict[int, int]:
    """Of each context the number of its test: pytest-cov has three contexts for one test."""
    numbers: dict[str, int] = {}
    found = {}
    for context, name in data.contexts().items():
        test = name
        for phase in _PHASES:
            test = test.removesuffix(phase)
        found[context] = numbers.setdefault(test, len(numbers))
    if len(numbers) > _MAX_TESTS:
        raise Damaged(f"more than {_MAX_TESTS} contexts")
    return found


def _files(data: CoverageData) -> Iterator[tuple[int, str]]:
    query = f"SELECT id, path FROM file WHERE length(CAST(path AS BLOB)) < {_MAX_NAME}"
    known = [
        (number, path)
        for number, path in data.rows(query)
        if isinstance(number, int) and isinstance(path, str)
    ]
    if len(known) > _MAX_FILES:
        raise Damaged(f"more than {_MAX_FILES} files")
    yield from known


def _reached(data: CoverageData, file: int, tests: dict[int, int]) -> Iterator[tuple[int, int]]:
    """The lines of a file that ran, each with each test that ran it."""
    query = f"""SELECT CASE typeof(context_id) WHEN 'integer' THEN context_id END,
                       CASE WHEN typeof(numbits) = 'blob' AND length(numbits) <= {MOST_NUMBITS}
                            THEN numbits END
                FROM line_bits WHERE file_id = ?"""
    for context, numbits in data.rows(query, file):
        test = tests.get(context) if isinstance(context, int) else None
        if test is not None and isinstance(numbits, bytes):
            for at, byte in enumerate(numbits):
                for bit in range(8) if byte else ():
                    if byte >> bit & 1:
                        yield 8 * at + bit, test
    # With branches: a jump from a line is a line that ran.
    query = f"""SELECT DISTINCT fromno, context_id FROM arc
                WHERE file_id = ? AND typeof(fromno) = 'integer'
                AND typeof(context_id) = 'integer' AND fromno BETWEEN 1 AND {MOST_LINE}"""
    for line, context in data.rows(query, file):
        test = tests.get(context) if isinstance(context, int) else None
        if test is not None and isinstance(line, int):
            yield line, test


def _costs(path: str, lines: dict[int, int]) -> Iterator[FunctionCost]:
    """Of each function how many tests ran a line of its body, but not of a function in it.

    `lines` has a bit for each test that ran the line.
    """
    owners: dict[int, Function] = {}
    functions = sorted(functions_of(path), key=lambda function: function.start)
    for function in functions:
        # Its first line runs when it is defined; a function of one line can't be told apart.
        first = min(function.line + 2, function.range.end.line + 1)
        owners.update(dict.fromkeys(range(first, function.range.end.line + 2), function))
    reached: defaultdict[Function | None, int] = defaultdict(int)
    for line, by in lines.items():
        reached[owners.get(line)] |= by
    for owner, by in reached.items():
        tests = by.bit_count()
        name, line = (owner.name, owner.first_line + 1) if owner else ("<module>", 1)
        yield FunctionCost(path, name, line, tests, tests, tests, None)
