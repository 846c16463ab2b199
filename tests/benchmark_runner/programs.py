"""Small programs on disk for the tests that record runs."""

from __future__ import annotations

import pickle
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from tests.pythons import interpreters

FOUND = interpreters()
WANTED = ("3.9", "3.10", "3.11", "3.12", "3.13")


def python_of(version: str) -> Path:
    """The interpreter of a version; skips the test where there is none."""
    if version not in FOUND:
        pytest.skip(f"no CPython {version} here; found: {', '.join(FOUND)}")
    return FOUND[version]


def write(folder: Path, **files: str) -> None:
    """Write Python files; names are paths without their ending."""
    for name, text in files.items():
        path = folder / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))


def calls_in(folder: Path) -> list[tuple[tuple[Any, ...], dict[str, Any]]]:
    """The calls that a capture kept."""
    data = (folder / "calls.bin").read_bytes()
    calls = []
    while data:
        size = int.from_bytes(data[:8], "little")
        calls.append(pickle.loads(data[8 : 8 + size]))
        data = data[8 + size :]
    return calls
