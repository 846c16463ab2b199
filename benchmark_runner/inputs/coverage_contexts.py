"""What coverage data say of a function: the contexts under which lines of its body were executed.

coverage.py can record on whose behalf a line ran; how its files are read, and what hostile ones can
do, is in analysis.coverage_data. The empty context is what ran outside of all others: imports.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from analysis.coverage_data import MOST_LINE, MOST_NUMBITS, CantUse, CoverageData, printable
from analysis.functions import functions_in
from analysis.text import LineIndex
from benchmark_runner.inputs.coverage_files import DataFile

_MOST_BODIES = 8


@dataclass(frozen=True)
class FunctionLines:
    """Lines, from 1 on: first and last of the bodies of a function, and all that can hold code."""

    bodies: tuple[tuple[int, int], ...]
    code: frozenset[int]


@dataclass(frozen=True)
class Recorded:
    """What one data file says of a function.

    `reached` are the contexts that executed a line of its body, `others` the further ones of the
    file, if anything of the function's file was measured. `fits` tells whether the recorded lines
    can be those of the text.
    """

    data: DataFile
    reached: tuple[str, ...]
    others: tuple[str, ...]
    fits: bool


def lines_of(text: str, path: Path, qualname: str) -> FunctionLines:
    """Lines of every definition of that name: the body without `def`, which import executes."""
    index = LineIndex(text)
    bodies = [
        (index.line_of(f.body_start) + 1, index.line_of(max(f.end - 1, f.body_start)) + 1)
        for f in functions_in(text, str(path))
        if f.qualname == qualname
    ]
    code = set()
    for line in range(len(index.starts)):
        told = index.line_text(line).strip()
        if told and not told.startswith("#"):
            code.add(line + 1)
    return FunctionLines(tuple(bodies[-_MOST_BODIES:]), frozenset(code))


def recorded_in(data: DataFile, names: set[str], lines: FunctionLines) -> Recorded:
    """Read one data file; `names` are what it may call the function's file.

    Raises CantUse where it is none of coverage's, damaged, or takes too long to read.
    """
    try:
        with closing(CoverageData(data.path)) as opened:
            return _Reader(opened).recorded(data, names, lines)
    except (sqlite3.Error, sqlite3.Warning, OverflowError, ValueError) as error:
        raise CantUse(f"can't be read: {printable(str(error))}") from error


class _Reader:
    """What one data file says."""

    def __init__(self, data: CoverageData) -> None:
        self._data = data

    def recorded(self, data: DataFile, names: set[str], lines: FunctionLines) -> Recorded:
        """What the file says of the lines."""
        marks = ",".join("?" * len(names))
        files = [
            file
            for (file,) in self._data.rows(f"SELECT id FROM file WHERE path IN ({marks})", *names)
            if isinstance(file, int)
        ][: len(names)]
        reached: set[int] = set()
        executed: set[int] = set()
        for file in files:
            for found, seen in (self._by_lines(file, lines), self._by_arcs(file, lines)):
                reached |= found
                executed |= seen
        contexts = self._data.contexts() if files else {}
        return Recorded(
            data,
            tuple(name for key, name in contexts.items() if key in reached),
            tuple(name for key, name in contexts.items() if key not in reached),
            executed <= lines.code,
        )

    def _by_lines(self, file: int, lines: FunctionLines) -> tuple[set[int], set[int]]:
        """Contexts that executed the bodies, and all lines of the file that were executed."""
        body = union = 0
        for first, last in lines.bodies:
            body |= ((1 << (last + 1 - first)) - 1) << first
        reached = set()
        query = f"""SELECT CASE typeof(context_id) WHEN 'integer' THEN context_id END,
                           CASE WHEN typeof(numbits) = 'blob' AND length(numbits) <= {MOST_NUMBITS}
                                THEN numbits END
                    FROM line_bits WHERE file_id = ?"""
        for context, numbits in self._data.rows(query, file):
            if numbits is None:
                union |= 1  # there is no line 0: what was passed over is not known to be idle
            if isinstance(context, int) and isinstance(numbits, bytes):
                bits = int.from_bytes(numbits, "little")
                union |= bits
                if bits & body:
                    reached.add(context)
        return reached, {line for line, bit in enumerate(f"{union:b}"[::-1]) if bit == "1"}

    def _by_arcs(self, file: int, lines: FunctionLines) -> tuple[set[int], set[int]]:
        """The same of data with branches."""
        reached: set[int] = set()
        for first, last in lines.bodies:
            query = """SELECT DISTINCT CASE typeof(context_id) WHEN 'integer' THEN context_id END
                       FROM arc WHERE file_id = ?
                       AND (fromno BETWEEN ? AND ? OR tono BETWEEN ? AND ?)"""
            found = self._data.rows(query, file, first, last, first, last)
            reached.update(context for (context,) in found if isinstance(context, int))
        query = f"""SELECT DISTINCT fromno FROM arc
                    WHERE file_id = ? AND typeof(fromno) = 'integer'
                    AND fromno BETWEEN 1 AND {MOST_LINE}"""
        executed = {line for (line,) in self._data.rows(query, file) if isinstance(line, int)}
        return reached, executed
