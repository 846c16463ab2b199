"""Which files the user's globs silence.

As in .gitignore: a glob without a slash inside it matches a file or folder of that name at any
depth, one with a slash is relative to the workspace, ``**`` stands for any number of folders, and
what matches a folder silences all below it. Names are compared with their case.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path


def is_ignored_path(path: Path | str, globs: Iterable[str], workspace: Path) -> bool:
    """Whether one of the globs matches the path; a path outside the workspace is matched by none.

    A relative path is taken as relative to the workspace.
    """
    parts = relative_parts(path, workspace)
    if not parts:
        return False
    return any(_matches(parts, glob) for glob in globs)


def relative_parts(path: Path | str, workspace: Path) -> tuple[str, ...] | None:
    """The parts of the path below the workspace; None when it lies elsewhere.

    Tried as written first and then with symbolic links followed, so that both a linked file and a
    linked workspace are found.
    """
    absolute = os.path.normpath(workspace / path)
    for whole, root in (
        (absolute, os.path.abspath(workspace)),  # noqa: PTH100
        (os.path.realpath(absolute), os.path.realpath(workspace)),
    ):
        if whole == root or whole.startswith(root.rstrip(os.sep) + os.sep):
            return Path(whole).relative_to(root).parts
    return None


def _matches(parts: Sequence[str], glob: str) -> bool:
    trimmed = glob.strip().rstrip("/").removeprefix("./")
    pattern = [part for part in trimmed.split("/") if part not in ("", ".")]
    if not pattern:
        return False
    if len(pattern) == 1 and not trimmed.startswith("/"):
        return any(fnmatchcase(part, pattern[0]) for part in parts)
    return _matches_prefix(parts, pattern)


def _matches_prefix(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    """Whether the pattern matches all parts or a folder above them; linear per pattern part."""
    reached = {0}
    for piece in pattern:
        if piece == "**":
            reached = set(range(min(reached), len(parts) + 1))
        else:
            reached = {n + 1 for n in reached if n < len(parts) and fnmatchcase(parts[n], piece)}
        if not reached:
            return False
    return True
