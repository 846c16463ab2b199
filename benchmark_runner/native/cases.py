"""Cases of a program: what it reads on standard input and, where known, what it must print."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from benchmark_runner.errors import WorkloadError
from benchmark_runner.receipt import Dependency

Source = Literal["cases", "mutated", "grown", "file", "generated"]
"""Given by the user; a given one with other values, or made larger or smaller; for functions: given
by inputs(), or made from the types."""

MOST_CASES = 500
MOST_BYTES = 32 << 20
"""Of all inputs together, and of one file."""


@dataclass(frozen=True)
class Case:
    """One run of a program. `expected` is what the user says it prints, None where unsaid."""

    name: str
    input: bytes
    expected: bytes | None = None
    source: Source = "cases"
    parent: str = ""
    """The given case that a made one comes from."""
    shown: str = ""
    """The input as a person reads it, where its bytes are not that."""
    snippet: str | None = None


def read_cases(path: Path) -> tuple[Case, ...]:
    """The cases of a folder of NAME.in and NAME.out, of one such file, or of a .jsonl file.

    Sorted by name; a NAME.out without its NAME.in is ignored. Raises WorkloadError.
    """
    if path.is_dir():
        cases = [_pair(file) for file in sorted(path.glob("*.in"))]
    elif path.suffix == ".jsonl":
        cases = list(_lines(path))
    elif path.suffix in (".in", ".out"):
        cases = [_pair(path.with_suffix(".in"))]
    else:
        raise _no_cases(f"{path} is no folder, no .in, .out or .jsonl file")
    if not cases:
        raise _no_cases(f"there is no NAME.in in {path}")
    if len(cases) > MOST_CASES or sum(len(case.input) for case in cases) > MOST_BYTES:
        raise WorkloadError(
            f"{path} holds more than {MOST_CASES} cases or {MOST_BYTES >> 20} MB of input",
            code="cases-too-large",
            mend="name a folder with fewer of them",
        )
    return tuple(cases)


def digest_of(cases: Iterable[Case]) -> str:
    """One digest over names, inputs and expected outputs."""
    total = hashlib.sha256()
    for case in cases:
        name = case.name.encode("utf-8", "surrogateescape")
        for data in (name, case.input, case.expected):
            size = -1 if data is None else len(data)
            total.update(size.to_bytes(8, "little", signed=True) + (data or b""))
    return total.hexdigest()


def files_of(path: Path) -> tuple[Dependency, ...]:
    """The files that hold the cases, as what a claim rests on."""
    files = [path]
    if path.is_dir():
        files = sorted([*path.glob("*.in"), *path.glob("*.out")])
    elif path.suffix in (".in", ".out"):
        files = [f for f in (path.with_suffix(".in"), path.with_suffix(".out")) if f.exists()]
    return tuple(
        Dependency("case", str(f), f.name, hashlib.sha256(_read(f)).hexdigest()[:32]) for f in files
    )


def _no_cases(message: str) -> WorkloadError:
    return WorkloadError(
        message,
        code="cases-none",
        mend='give a folder of NAME.in and NAME.out, or lines of {"input": ..., "output": ...}',
    )


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise _no_cases(f"{path} can't be read: {error.strerror or error}") from error
    if len(data) > MOST_BYTES:
        raise _no_cases(f"{path} is larger than {MOST_BYTES >> 20} MB")
    return data


def _pair(path: Path) -> Case:
    out = path.with_suffix(".out")
    return Case(path.stem, _read(path), _read(out) if out.exists() else None)


def _lines(path: Path) -> Iterable[Case]:
    for number, line in enumerate(_read(path).splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            given, output = row["input"], row.get("output")
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise _no_cases(f'{path}, line {number}: no JSON object with "input"') from None
        if not isinstance(given, str) or not isinstance(output, str | None):
            raise _no_cases(f"{path}, line {number}: input and output must be strings")
        expected = None if output is None else output.encode("utf-8", "surrogatepass")
        yield Case(str(number), given.encode("utf-8", "surrogatepass"), expected)
