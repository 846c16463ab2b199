"""Where the files and functions that a profile names lie in the workspace of this machine."""

from __future__ import annotations

import filecmp
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path, PurePosixPath, PureWindowsPath
from urllib.parse import unquote

from analysis.errors import AnalysisError
from analysis.functions import Function, functions_in
from analysis.ignore import relative_parts
from analysis.languages import LANGUAGES, PYTHON, language_of
from analysis.profiles.frame_names import function_around, is_nameless
from analysis.profiles.sources import Sources, relative_to
from analysis.profiles.symbols import Symbols, bare_name
from analysis.source import read_source

_ENVIRONMENTS = frozenset(["site-packages", "dist-packages", ".venv", "venv", ".tox", ".nox"])
_CACHES = frozenset(["__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".eggs"])
_NOT_OURS = _ENVIRONMENTS | _CACHES | {".git", ".hg", "node_modules"}
_LIBRARY = re.compile(r"^(?:python|pypy)\d(\.\d+)?t?$", re.IGNORECASE)
# By these in one folder a standard library is known where its folder has another name.
_LANDMARKS = ("os.py", "site.py")
_MAX_FILES = 50_000
_MAX_SOURCE_BYTES = 5_000_000
_SUFFIXES = tuple(suffix for language in LANGUAGES for suffix in language.suffixes)
# Of these files profiles tell functions, whether or not a language of ours reads them.
_SCRIPTS = (".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx")
_FILE_URL = re.compile(r"file://(?:localhost)?(?=/)", re.IGNORECASE)
_DRIVE_URL = re.compile(r"/[A-Za-z]:/")
_OTHER_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:(?!\\)")


@dataclass(frozen=True)
class Place:
    """A function of the workspace as a profile names it; `line` is 1-based."""

    path: str
    name: str
    line: int


class Places:
    """Finds files by what a profile calls them: as they are, or by the end of their path.

    `sources` are the files as they were when the profile was written, where that is known: a line
    that it names is one of that time.
    """

    def __init__(self, workspace: Path, sources: Sources | None = None) -> None:
        self.workspace = Path(os.path.realpath(workspace))
        self.sources = sources or Sources(self.workspace, {})
        self._files: dict[str, str | None] = {}
        self._places: dict[tuple[str, str, int | None], Place | None] = {}
        self._by_name: dict[str, list[tuple[str, ...]]] | None = None
        self._symbols: Symbols | None = None

    def file(self, named: str) -> str | None:
        """The workspace file that a profile calls `named`; None when it is not of the workspace.

        A ``file://`` address is a path; what other addresses (``node:fs``, ``webpack:///``) name is
        not of the workspace.
        """
        if named not in self._files:
            self._files[named] = self._find(named)
        return self._files[named]

    def place(self, named: str, name: str, line: int | None) -> Place | None:
        """The function of the workspace that a profile's frame belongs to.

        `line` may be any line of the function. Lambdas and comprehensions count as their function.
        When the file no longer has such a function there, what the profile says is kept. Where no
        file is named, compiled code may still tell: a symbol ("ns::Grid::at(int)") that one
        function alone of the workspace's compiled languages has.
        """
        key = (named, name, line)
        if key not in self._places:
            path = self.file(named)
            self._places[key] = (
                _place(self.functions_then(path), path, name, line)
                if path
                else None
                if named
                else self._symbol(name)
            )
        return self._places[key]

    def _symbol(self, name: str) -> Place | None:
        if self._symbols is None:
            compiled = (
                self.workspace.joinpath(*parts)
                for group in self._index().values()
                for parts in group
                if language_of(parts[-1]).folder == "native"
            )
            self._symbols = Symbols(tuple(compiled), functions_of)
        function = self._symbols.find(name)
        if function is None:
            return None
        return Place(function.path, function.name, function.first_line + 1)

    def functions_then(self, path: str) -> tuple[Function, ...]:
        """The functions of a workspace file when the profile was written, or as they are now."""
        relative = relative_to(path, self.workspace)
        then = self.sources.functions(relative) if relative is not None else None
        return functions_of(path) if then is None else then

    def file_now(self, path: str) -> str | None:
        """Where a workspace file of the time of the profile lies now; None where it is gone."""
        if os.path.isfile(path):  # noqa: PTH113
            return path
        relative = relative_to(path, self.workspace)
        if relative is None:
            return None
        return self._by_suffix(tuple(relative.split("/")), self._index(), whole=True)

    def _find(self, named: str) -> str | None:
        if not named or named == "~" or named.startswith("<") or "\0" in named:
            return None
        try:
            return self._find_path(named)
        except (OSError, ValueError):  # a name that no file can have
            return None

    def _find_path(self, named: str) -> str | None:
        if url := _FILE_URL.match(named):
            named = unquote(named[url.end() :])
            if "\0" in named:
                return None
            named = named[1:] if _DRIVE_URL.match(named) else named
        elif _OTHER_URL.match(named):
            return None
        windows = re.match(r"[A-Za-z]:[\\/]|\\\\", named) or ("\\" in named and "/" not in named)
        foreign = PureWindowsPath(named) if windows else PurePosixPath(named)
        if (then := self.sources.relative(named)) is not None:
            return self._ours(tuple(then.split("/")))
        if not windows:
            here = self.workspace / named
            parts = relative_parts(here, self.workspace)
            if parts and (here.is_file() or self.sources.has("/".join(parts))):
                return self._ours(parts)
            if here.is_file():
                return self._elsewhere(here) if foreign.is_absolute() else None
        parts = tuple(p for p in foreign.parts if p not in (foreign.anchor, "."))
        return self._by_end(parts, whole=not foreign.is_absolute())

    def _by_end(self, parts: tuple[str, ...], *, whole: bool) -> str | None:
        """The file whose path ends like that of another machine or checkout."""
        if _is_library(parts):
            return None
        return self._by_suffix(parts, self._then(), whole=whole) or self._by_suffix(
            parts, self._index(), whole=whole
        )

    def _elsewhere(self, there: Path) -> str | None:
        """As `_by_end` for a file outside the workspace that is there: another clone or worktree.

        A program may use other projects of this machine that have files of the same name: the
        files have to be the same by most of their functions, which an edit of one leaves.
        """
        real = Path(os.path.realpath(there))
        if _is_library(real.parts) or any(
            all((folder / name).is_file() for name in _LANDMARKS) for folder in real.parents
        ):
            return None
        found = self._by_end(there.parts[1:], whole=False)
        if found is None:
            return None
        theirs = {f.qualname for f in functions_of(str(there))}
        ours = {f.qualname for f in self.functions_then(found)}
        if not theirs and not ours:
            same = os.path.isfile(found) and filecmp.cmp(there, found)  # noqa: PTH113
        else:
            same = 2 * len(theirs & ours) >= max(len(theirs), len(ours))
        return found if same else None

    def _then(self) -> Mapping[str, Sequence[tuple[str, ...]]]:
        """The files of the time of the profile by their last name."""
        found: dict[str, list[tuple[str, ...]]] = {}
        for relative in self.sources.files:
            parts = tuple(relative.split("/"))
            found.setdefault(parts[-1], []).append(parts)
        return found

    def _ours(self, parts: tuple[str, ...]) -> str | None:
        if _NOT_OURS.intersection(parts[:-1]):
            return None
        folder = self.workspace
        for part in parts[:-1]:
            folder /= part
            if (folder / "pyvenv.cfg").exists():
                return None
        return str(self.workspace.joinpath(*parts))

    def _by_suffix(
        self,
        parts: tuple[str, ...],
        index: Mapping[str, Sequence[tuple[str, ...]]],
        *,
        whole: bool,
    ) -> str | None:
        """The one file of an index that ends like `parts`: all of either, or two names at least."""
        if not parts:
            return None
        best: list[tuple[str, ...]] = []
        longest = 0
        for ours in index.get(parts[-1], ()):
            same = _common_end(ours, parts)
            if same < 2 and same != len(ours) and not (whole and same == len(parts)):
                continue
            if same > longest:
                longest, best = same, []
            if same == longest:
                best.append(ours)
        return str(self.workspace.joinpath(*best[0])) if len(best) == 1 else None

    def _index(self) -> dict[str, list[tuple[str, ...]]]:
        if self._by_name is None:
            self._by_name = {}
            seen = 0
            for folder, folders, files in os.walk(self.workspace):
                folders[:] = [
                    d
                    for d in sorted(folders)
                    if d not in _NOT_OURS and not Path(folder, d, "pyvenv.cfg").exists()
                ]
                above = Path(folder).relative_to(self.workspace).parts
                for name in files:
                    if name.lower().endswith(_SUFFIXES + _SCRIPTS):
                        self._by_name.setdefault(name, []).append((*above, name))
                        seen += 1
                if seen > _MAX_FILES:
                    break
        return self._by_name


def _common_end(a: tuple[str, ...], b: tuple[str, ...]) -> int:
    n = 0
    while n < min(len(a), len(b)) and a[-1 - n] == b[-1 - n]:
        n += 1
    return n


def _is_library(parts: tuple[str, ...]) -> bool:
    """Whether another machine's path is that of an installed package or the standard library."""
    return bool(_NOT_OURS.intersection(parts[:-1])) or any(
        _LIBRARY.match(part) and above.lower() in ("lib", "lib64")
        for above, part in pairwise(parts)
    )


def _is_python(path: str) -> bool:
    return language_of(path) == PYTHON and not path.lower().endswith(_SCRIPTS)


def functions_of(path: str) -> tuple[Function, ...]:
    """The functions of a file as it lies on disk; none when it can't be read."""
    return _looked_at(path)[0]


def unreadable(path: str) -> str | None:
    """Why a file that is there has no functions for us, and what to do; None for all others."""
    return _looked_at(path)[1]


def _looked_at(path: str) -> tuple[tuple[Function, ...], str | None]:
    if language_of(path) == PYTHON and not _is_python(path):
        return (), None
    try:
        status = os.stat(path)  # noqa: PTH116
    except OSError:
        return (), None
    if status.st_size > _MAX_SOURCE_BYTES:
        return (), f"{path}: has more than {_MAX_SOURCE_BYTES:,} bytes"
    return _functions_of(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=64)
def _functions_of(path: str, changed: int, size: int) -> tuple[tuple[Function, ...], str | None]:
    try:
        return functions_in(read_source(Path(path)).text, path), None
    except AnalysisError as error:
        return (), f"{error}: {error.mend}"


def _place(functions: Sequence[Function], path: str, name: str, line: int | None) -> Place:
    if not _is_python(path):
        return _place_of_symbol(path, functions, name, line)
    if name == "<module>":
        return Place(path, name, 1)
    if is_nameless(name):
        outer = function_around(name)
        around = [] if line is None else [f for f in functions if _holds(f, line)]
        around = [f for f in around if not outer or f.qualname == outer]
        if around:
            inner = max(around, key=lambda f: f.start)
            return Place(path, inner.name, inner.first_line + 1)
        return _place(functions, path, outer or "<module>", None)
    simple = name.rsplit(".", 1)[-1]
    named = [f for f in functions if f.name == simple]
    qualified = [f for f in named if f.qualname == name] if "." in name else []
    if line is None:
        pick = qualified or named
        return Place(path, simple, pick[-1].first_line + 1 if len(pick) == 1 else 0)
    holding = [f for f in named if _holds(f, line)]
    if holding:
        return Place(path, simple, max(holding, key=lambda f: f.start).first_line + 1)
    return Place(path, simple, line)


def _place_of_symbol(
    path: str, functions: Sequence[Function], name: str, line: int | None
) -> Place:
    """As `_place` for the other languages, whose functions may have no name or a decorated one."""
    simple = bare_name(name)
    holding = [] if line is None else [f for f in functions if _holds(f, line)]
    named = [f for f in functions if f.name == simple]
    if line is None:
        around = named if len({f.start for f in named}) == 1 else []
    else:
        around = [f for f in named if _holds(f, line)] or holding
    if around:
        inner = max(around, key=lambda f: f.start)
        return Place(path, inner.name, inner.first_line + 1)
    if not simple or name.startswith("("):
        return Place(path, "<module>", 1)
    return Place(path, simple, line or 0)


def _holds(function: Function, line: int) -> bool:
    return function.first_line < line <= function.range.end.line + 1
