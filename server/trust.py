"""Which workspaces the user trusts to name interpreters, commands and models.

The list lies in the user's data folder, never in a workspace.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from analysis.errors import InputError
from hasten.paths import data_dir


def _file() -> Path:
    return data_dir() / "trusted.json"


def _read() -> set[str]:
    try:
        value = json.loads(_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return set()  # unreadable means: nothing is trusted
    return {v for v in value if isinstance(v, str)} if isinstance(value, list) else set()


@contextmanager
def _locked() -> Iterator[None]:
    """Two commands at once must not lose each other's entry."""
    try:
        data_dir().mkdir(parents=True, exist_ok=True)
        with (data_dir() / "trusted.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
    except OSError as error:
        raise InputError(
            f"{_file()}: can't be written: {error.strerror or error}",
            code="data-folder-unwritable",
            mend="make the folder writable, or set XDG_DATA_HOME to one that is",
        ) from error


def _write(trusted: set[str]) -> None:
    part = _file().with_suffix(".part")
    part.write_text(json.dumps(sorted(trusted), indent=1), encoding="utf-8")
    os.replace(part, _file())  # noqa: PTH105


def is_trusted(workspace: Path) -> bool:
    """Whether the user trusts this workspace or a folder above it."""
    trusted = _read()
    folder = workspace.resolve()
    return any(str(f) in trusted for f in (folder, *folder.parents))


def trust(workspace: Path) -> None:
    """Trust a workspace and everything below it."""
    with _locked():
        _write(_read() | {str(workspace.resolve())})


def untrust(workspace: Path) -> bool:
    """Take trust back; False if the workspace itself was not on the list."""
    with _locked():
        trusted = _read()
        _write(trusted - {str(workspace.resolve())})
        return str(workspace.resolve()) in trusted
