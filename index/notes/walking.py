"""Which files of a folder are notes, in the order of their names, and their bytes.

Links inside of a folder are not followed, so that nothing outside of it is read and no loop is
walked. What the user names himself may be a link.
"""

from __future__ import annotations

import itertools
import os
import stat
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from analysis.errors import InputError
from index.notes.parts import NoteUnreadable
from index.notes.reading import Kind, kind_of
from index.notes.text import clean

_SKIPPED = frozenset(
    ("node_modules", "__pycache__", "site-packages", "venv", "virtualenv", "bower_components")
)
_INSTALLED = (".egg-info", ".dist-info")
_ENVIRONMENT = "pyvenv.cfg"
_BAD_NAME = "its name holds characters that can't be seen or stored"
_MOST_ENTRIES = 200_000
_MOST_DEPTH = 40
_KINDS_NAMED = 5


@dataclass
class Walk:
    """The notes below a path, each with its kind (None: look at its content), and what is none."""

    files: list[tuple[Path, Kind | None]] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    inside: bool = True


def files_of(path: Path, tick: Callable[[], None]) -> Walk:
    """The file itself, or the notes of a folder. `tick` is called for each folder.

    Raises InputError when there is no such file or folder, or it can't be read or cited.
    """
    if not _can_be_cited(str(path)):
        raise InputError(
            f"{str(path)!a}: {_BAD_NAME}", code="notes-name", mend="give it another name"
        )
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            os.scandir(path).close()
    except (OSError, ValueError) as error:
        missing = isinstance(error, FileNotFoundError)
        why = "no such file or folder" if missing else f"can't be read: {_why(error)}"
        raise InputError(
            f"{path}: {why}",
            code="notes-missing" if missing else "notes-unreadable",
            mend="check the path and its permissions",
        ) from error
    if not stat.S_ISDIR(mode):
        return Walk([(path, kind_of(path.name))], inside=False)
    walk = Walk()
    others: Counter[str] = Counter()
    for count, file in enumerate(_below(path, 0, walk, tick)):
        if count == _MOST_ENTRIES:
            walk.skipped.append((path.as_posix(), f"only its first {count} files were looked at"))
            break
        if kind := kind_of(file.name):
            walk.files.append((file, kind))
        else:
            others[file.suffix or file.name] += 1
    if others:
        named = ", ".join(f"{what} {n}" for what, n in others.most_common(_KINDS_NAMED))
        named += ", ..." * (len(others) > _KINDS_NAMED)
        why = f"{others.total()} files are of kinds that are no notes ({named})"
        walk.skipped.append((path.as_posix(), why))
    return walk


def _below(folder: Path, depth: int, walk: Walk, tick: Callable[[], None]) -> Iterator[Path]:
    """The regular files of a folder and of those below it, in the order of their names."""
    tick()
    try:
        with os.scandir(folder) as scanned:
            entries = sorted(itertools.islice(scanned, _MOST_ENTRIES), key=lambda e: e.name)
    except OSError as error:
        walk.skipped.append((folder.as_posix(), f"it can't be read: {_why(error)}"))
        return
    if depth and any(entry.name == _ENVIRONMENT for entry in entries):
        return
    for entry in entries:
        path = folder / entry.name
        if entry.name.startswith(".") or entry.name in _SKIPPED:
            continue
        if entry.name.endswith(_INSTALLED):
            continue
        if not _can_be_cited(entry.name):
            walk.skipped.append((ascii(path.as_posix())[1:-1], _BAD_NAME))
        elif entry.is_symlink():
            walk.skipped.append((path.as_posix(), "it is a link, which is not followed"))
        elif entry.is_file(follow_symlinks=False):
            yield path
        elif entry.is_dir(follow_symlinks=False):
            if depth >= _MOST_DEPTH:
                walk.skipped.append((path.as_posix(), "it lies too deep"))
            else:
                yield from _below(path, depth + 1, walk, tick)


def bytes_of(file: Path, most: int, *, follow: bool) -> bytes:
    """The bytes of a regular file. Raises NoteUnreadable with the reason."""
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW)
    try:
        descriptor = os.open(file, flags)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise NoteUnreadable("it is no regular file")
            with os.fdopen(descriptor, "rb", closefd=False) as opened:
                data = opened.read(most + 1)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise NoteUnreadable(f"it can't be read: {_why(error)}") from error
    if len(data) > most:
        raise NoteUnreadable(f"it is larger than {most >> 20} MB")
    return data


def _can_be_cited(name: str) -> bool:
    """Whether a name can be stored and shown: it is UTF-8 and holds no control characters."""
    return clean(name) == name and "\n" not in name


def _why(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
