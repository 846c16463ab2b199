"""Test cases of programs: a spread of many, and those that lie in a folder beside the claims."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from index.importers.rows import small_text

FOLDERS = ("test_cases", "merged_test_cases", "public_test_cases", "generated_test_cases")
MOST_CASES = 60
_CASE_BYTES = 2 << 20
_ALL_BYTES = 16 << 20
_MOST_FILES = 1_000
_KNOWN = 16
_PROBLEM = re.compile(r"\w[\w-]{0,63}", re.ASCII)
_INPUT = re.compile(r"input\.(\d{1,9})\.txt", re.ASCII)

Cases = tuple[tuple[str, str], ...]
"""Pairs of standard input and expected output."""


def spread(cases: Sequence[tuple[str, str]]) -> Cases:
    """At most MOST_CASES of the cases: the largest, the smallest and those evenly in between."""
    ranked = sorted(range(len(cases)), key=lambda at: (-len(cases[at][0]), at))
    if len(ranked) > MOST_CASES:
        step = (len(ranked) - 1) / (MOST_CASES - 1)
        ranked = [ranked[round(place * step)] for place in range(MOST_CASES)]
    return tuple(cases[at] for at in sorted(ranked))


class CaseFolder:
    """The folder of test cases beside a file of claims, if there is one (see FOLDERS).

    For a problem it holds ``PROBLEM/input.0.txt`` with ``PROBLEM/output.0.txt`` and so on, or
    ``PROBLEM.py``, which defines ``inputs()`` that yields texts for standard input.
    """

    def __init__(self, beside: Path) -> None:
        self._folder = next((beside / n for n in FOLDERS if (beside / n).is_dir()), None)
        self._known: dict[tuple[str, tuple[int, ...]], tuple[Cases, str]] = {}

    def of(self, problem: str, wanted: Sequence[int] = ()) -> tuple[Cases, str]:
        """Cases of a problem (those numbered `wanted`, or all) and the text of its inputs().

        Raises ClaimError for a file that is too large.
        """
        if self._folder is None or not _PROBLEM.fullmatch(problem):
            return (), ""
        key = problem, tuple(wanted)
        if key not in self._known:
            if len(self._known) >= _KNOWN:  # the rows of a problem mostly stand together
                self._known.clear()
            self._known[key] = (
                spread(_read(self._folder / problem, key[1])),
                _text(self._folder / f"{problem}.py"),
            )
        return self._known[key]


def _read(folder: Path, wanted: Sequence[int]) -> list[tuple[str, str]]:
    if not folder.is_dir() or folder.is_symlink():
        return []
    there = sorted(
        int(match[1]) for file in folder.iterdir() if (match := _INPUT.fullmatch(file.name))
    )
    found: list[tuple[str, str]] = []
    size = 0
    for number in (sorted(set(wanted)) or there)[:_MOST_FILES]:
        told, output = folder / f"input.{number}.txt", folder / f"output.{number}.txt"
        if not (_is_plain(told) and _is_plain(output)):
            continue
        case = _text(told), _text(output)
        size += len(case[0]) + len(case[1])
        if size > _ALL_BYTES:
            break
        found.append(case)
    return found


def _is_plain(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _text(path: Path) -> str:
    """A small text file, "" where there is none. Raises ClaimError."""
    if not _is_plain(path):
        return ""
    return small_text(path, _CASE_BYTES, "remove this test case")
