"""Where hasten keeps things. Nothing inside a workspace is ever read as a result."""

from __future__ import annotations

import hashlib
from pathlib import Path

import platformdirs

_MARKERS = ("hasten.toml", "pyproject.toml", ".git", "setup.py", "setup.cfg")


def data_dir() -> Path:
    """Memory that must last: records, receipts, accepted edits. ``$XDG_DATA_HOME/hasten``."""
    return Path(platformdirs.user_data_dir("hasten", appauthor=False))


def receipts_dir() -> Path:
    """Receipts of suggestions, by their ids, with all that it takes to prove them again."""
    return data_dir() / "receipts"


def rules_table() -> Path:
    """What was measured of the rules on this machine (`hasten rules measure`)."""
    return data_dir() / "rules.json"


def state_dir(workspace: Path) -> Path:
    """What can be rebuilt (results, profiles, captures): deletable at any time.

    ``$XDG_STATE_HOME/hasten/<hash of the workspace>``.
    """
    key = hashlib.sha256(str(workspace.resolve()).encode()).hexdigest()[:16]
    return Path(platformdirs.user_state_dir("hasten", appauthor=False)) / key


def workspace_of(path: Path) -> Path:
    """The nearest folder upwards that looks like a project, else the file's own folder."""
    path = path.resolve()
    start = path if path.is_dir() else path.parent
    home = Path.home()
    for folder in (start, *start.parents):
        if folder == home and folder != start:
            break
        if any((folder / marker).exists() for marker in _MARKERS):
            return folder
    return start
