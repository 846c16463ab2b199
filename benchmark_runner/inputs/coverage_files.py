"""Where the project's coverage data lie: coverage.py's data file, and files not yet combined.

`.coverage` at the root of the project, or the `data_file` of its settings, which are looked for in
coverage's own order (https://coverage.readthedocs.io/en/latest/config.html). All of it was written
by others, so a settings file is read with a bound, and what leads out of the project is refused.
"""

from __future__ import annotations

import configparser
import itertools
import os
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

from analysis.coverage_data import MAGIC, CantUse, printable

MOST_BYTES = 256 << 20
"""A larger data file is not read."""
_MOST_FILES = 16
_MOST_LISTED = 2000
_MOST_SETTINGS = 512 << 10
_USUAL = ".coverage"
_BESIDE = ("-journal", "-wal", "-shm")
_SETTINGS = (".coveragerc", ".coveragerc.toml", "setup.cfg", "tox.ini", "pyproject.toml")


@dataclass(frozen=True)
class DataFile:
    """A data file: its real path, its `name` within the project, bytes, and when it was written."""

    path: Path
    name: str
    size: int
    modified_ns: int


def data_files(project: Path) -> tuple[list[DataFile], list[str]]:
    """Files to read, the combined one first, then the newest others; and why some are not read."""
    root = project.resolve()
    base = root / (_configured(root) or _USUAL)
    found, notes = [], []
    for path in (base, *_uncombined(root, base)):
        try:
            data = _checked(root, path)
        except CantUse as error:
            notes.append(f"{printable(path.name)} {error}")
            continue
        if data is not None:
            found.append(data)
    return found, notes


def _checked(root: Path, path: Path) -> DataFile | None:
    """The file where it may be read, None where there is none. Raises CantUse."""
    try:
        real = path.resolve()
        told = real.lstat()
        beside = [Path(f"{real}{ending}") for ending in _BESIDE[:2]]
        written = any(file.lstat().st_size for file in beside if os.path.lexists(file))
    except FileNotFoundError:
        return None
    except (OSError, RuntimeError, ValueError) as error:  # a loop of links, a null byte
        raise CantUse("can't be found") from error
    if not real.is_relative_to(root):
        raise CantUse("leads out of the project")
    if not stat.S_ISREG(told.st_mode):
        raise CantUse("is not a file")
    if told.st_size > MOST_BYTES:
        raise CantUse(f"has more than {MOST_BYTES >> 20} MB")
    if written:  # what the journal holds is not in the file yet, and we don't write it there
        raise CantUse("is being written")
    name = printable(real.relative_to(root).as_posix())
    return DataFile(real, name, told.st_size, told.st_mtime_ns)


def _uncombined(root: Path, base: Path) -> list[Path]:
    """What parallel runs left ("<data file>.<host>.<process>.<number>"), newest first."""
    try:
        folder = base.parent.resolve()
        if not folder.is_relative_to(root):
            return []
        with os.scandir(folder) as entries:
            ages = [
                (-entry.stat(follow_symlinks=False).st_mtime_ns, entry.name)
                for entry in itertools.islice(entries, _MOST_LISTED)
                if entry.name.startswith(f"{base.name}.")
                and not entry.name.endswith(_BESIDE)
                and entry.is_file(follow_symlinks=False)
            ]
    except (OSError, RuntimeError, ValueError):
        return []
    newest = [folder / name for _, name in sorted(ages)[: _MOST_FILES - 1]]
    return [path for path in newest if _is_sqlite(path)]


def _is_sqlite(path: Path) -> bool:
    """Reports ("<data file>.xml") are often named like data; https://sqlite.org/fileformat.html."""
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


# -- settings


def _configured(root: Path) -> str | None:
    """`data_file` of the settings that coverage would use, None for its default."""
    for name in _SETTINGS:
        text = _text(root / name)
        run = None if text is None else _run_table(name, text)
        if run is not None:
            told = run.get("data_file")
            # a variable of the environment is the user's affair, not the file's
            return told if isinstance(told, str) and told.strip() and "$" not in told else None
    return None


def _run_table(name: str, text: str) -> dict[str, Any] | None:
    """The table "run" of coverage's settings; None where the file has no settings of coverage."""
    own = name.startswith(".coveragerc")
    try:
        if not name.endswith(".toml"):
            parser = configparser.ConfigParser(interpolation=None, strict=False)
            parser.read_string(text)
            tables: dict[str, Any] = {key: dict(parser[key]) for key in parser.sections()}
            runs = [tables.get("coverage:run"), tables.get("run") if own else None]
            known = own or any(key.startswith("coverage:") for key in tables)
        else:
            whole = tomllib.loads(text)
            tables = whole.get("tool", {}).get("coverage", {})
            runs = [tables.get("run"), whole.get("run") if own else None]
            known = own or bool(tables)
    except (configparser.Error, ValueError, AttributeError, RecursionError):
        return None
    return next((run for run in runs if isinstance(run, dict)), {}) if known else None


def _text(file: Path) -> str | None:
    try:
        told = file.lstat()
        if not stat.S_ISREG(told.st_mode) or told.st_size > _MOST_SETTINGS:
            return None
        return file.read_bytes().decode("utf-8", "replace")
    except OSError:
        return None
