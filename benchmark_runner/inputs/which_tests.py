"""Which test files are run to find the tests that reach a function, and which tests of them.

What names the function or its module is likely to reach it; what coverage data say reached it, did
so once, whatever it names. Neither is proof: the run decides.
"""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from analysis.coverage_data import CantUse, printable
from benchmark_runner.inputs.coverage_contexts import Recorded, lines_of, recorded_in
from benchmark_runner.inputs.coverage_files import DataFile, data_files

_MOST_FILES = 30
_MOST_READ = 512 << 10
_MOST_LAST = 50_000
_DEEPEST = 12
_TEST_FILE = re.compile(r"(?:test_.*|.*_test)\.py\Z")
_PHASE = re.compile(r"\|(?:setup|run|teardown)\Z")
_SKIPPED = frozenset({"node_modules", "__pycache__", "build", "dist", "site-packages"})


@dataclass(frozen=True)
class Choice:
    """Test files to run, the likeliest first; the tests of the node ids `last` after all others.

    `data` are the coverage data files that it rests on; `note` says what they did, in words.
    """

    files: tuple[Path, ...]
    last: tuple[str, ...] = ()
    data: tuple[DataFile, ...] = ()
    note: str | None = None


def choose(
    project: Path, path: Path, qualname: str, text: str | None, only_named: bool = False
) -> Choice:
    """Test files about the function, first those that coverage contexts name.

    `text` is that of the function's file in the version that is run, None where it is on disk.
    """
    data, notes = data_files(project)
    seen = _Seen(project, path)
    if data:
        notes += seen.look(data, qualname, text)
    found = _ranked(project, path, qualname, only_named, seen.reached)
    indirect = sum(1 for entry in found if entry.reached and not entry.named)
    why = [f"coverage contexts were not used: {note}" for note in notes[:1]]
    if indirect:
        why.insert(0, f"{indirect} of {len(found)} test files found by {seen.told()}")
    files = tuple(entry.file for entry in found)
    return Choice(files, seen.last(), tuple(data), "; ".join(why) or None)


def files_about(
    project: Path,
    path: Path,
    qualname: str,
    only_named: bool = False,
    reached: Collection[Path] = (),
) -> list[Path]:
    """Those of `reached`, then test files that name the function, then those that name its module.

    All test files where there are none of these, unless `only_named`: then the first two kinds
    only. Looks at names and texts; nothing is run.
    """
    return [entry.file for entry in _ranked(project, path, qualname, only_named, reached)]


@dataclass(frozen=True)
class _Ranked:
    """A test file: whether contexts or its text (enough to be run for) speak for it."""

    reached: bool
    named: bool
    rank: int
    near: bool
    file: Path

    @property
    def order(self) -> tuple[bool, int, bool, str]:
        return (not self.reached, self.rank, not self.near, str(self.file))


def _ranked(
    project: Path, path: Path, qualname: str, only_named: bool, reached: Collection[Path]
) -> list[_Ranked]:
    name = qualname.split(".<locals>", 1)[0].rpartition(".")[2]
    owner = qualname.split(".", 1)[0]
    stem = path.parent.name if path.stem == "__init__" else path.stem
    ranked = []
    for file in python_files(project):
        known = file in reached
        if not (known or _TEST_FILE.match(file.name)) or file.resolve() == path.resolve():
            continue
        try:
            text = file.read_bytes()[:_MOST_READ].decode("utf-8", "replace")
        except OSError:
            continue
        rank = 0 if _says(text, name) else 1 if _says(text, owner) or _says(text, stem) else 2
        named = rank < (1 if only_named else 2)
        ranked.append(_Ranked(known, named, rank, stem in file.stem, file))
    ranked.sort(key=lambda entry: entry.order)
    chosen = [entry for entry in ranked if entry.reached or entry.named]
    if not (chosen or only_named):
        chosen = ranked
    by_name = [entry for entry in chosen if entry.rank == 0]
    kept = by_name[: _MOST_FILES // 2]  # what contexts say, old or made up, doesn't crowd them out
    kept += [entry for entry in chosen if entry not in kept][: _MOST_FILES - len(kept)]
    return [entry for entry in chosen if entry in kept]


def _says(text: str, name: str) -> bool:
    return re.search(rf"\b{re.escape(name)}\b", text) is not None


def python_files(folder: Path, depth: int = 0) -> Iterator[Path]:
    """Files of a tree, without environments and hidden folders."""
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        return
    for entry in entries:
        if entry.is_symlink() or entry.name.startswith(".") or entry.name in _SKIPPED:
            continue
        if entry.is_dir():
            if depth < 8 and not (entry / "pyvenv.cfg").exists():
                yield from python_files(entry, depth + 1)
        elif entry.suffix == ".py":
            yield entry


# -- what coverage data say


class _Seen:
    """What the data files say, gathered: `reached` are the files whose tests ran the function."""

    def __init__(self, project: Path, path: Path) -> None:
        self.reached: set[Path] = set()
        self._project, self._path = project, path
        self._ids: set[str] = set()
        self._idle: dict[Path, set[str]] = {}
        self._from: Recorded | None = None
        self._old = ""

    def look(self, data: Sequence[DataFile], qualname: str, text: str | None) -> list[str]:
        """Read the data files; returns why some of them say nothing."""
        try:
            on_disk = self._path.read_bytes().decode("utf-8", "replace")
            written_ns = self._path.stat().st_mtime_ns
        except OSError:
            return []
        known = on_disk if text is None else text
        lines = lines_of(known, self._path, qualname)
        if not lines.bodies:
            return []
        files = list(python_files(self._project))
        tests = _Names(self._project, files)
        newest_ns = max((_written_ns(file) for file in files), default=written_ns)
        changed = known.splitlines() != on_disk.splitlines()
        notes = []
        for file in data:
            try:
                found = recorded_in(file, self._called(), lines)
            except CantUse as error:
                notes.append(f"{file.name} {error}")
                continue
            other = changed or not found.fits
            old = "of another text of" if other else ""
            if not other and file.modified_ns <= written_ns:
                old = "older than"
            # a change anywhere between a test and the function may have led the one to the other
            fresh = not old and file.modified_ns > newest_ns
            self._add(found, tests, old, fresh)
        return notes

    def _called(self) -> set[str]:
        """What coverage may call the function's file: absolute, or relative to the project."""
        root, real = self._project.resolve(), self._path.resolve()
        names = {str(self._path), str(real)}
        return names | {real.relative_to(root).as_posix()} if real.is_relative_to(root) else names

    def _add(self, found: Recorded, tests: _Names, old: str, fresh: bool) -> None:
        for context in found.reached:
            files, node = tests.of(context)
            self.reached.update(files)
            if node:
                self._ids.add(node)
            if files and (self._from is None or (self._old and not old)):
                self._from, self._old = found, old
        for context in found.others if fresh else ():
            file, node = tests.node(context)
            if file is not None:
                self._idle.setdefault(file, set()).add(node)

    def last(self) -> tuple[str, ...]:
        """Node ids of tests that were recorded without the function, in files where another one
        reached it: elsewhere the function's file may not have been measured at all.
        """
        ids = [
            node
            for file in sorted(self._idle.keys() & self.reached)
            for node in sorted(self._idle[file] - self._ids)
        ]
        return tuple(ids[:_MOST_LAST])

    def told(self) -> str:
        """The data file in words, with its date where it is of another text, or older."""
        if self._from is None:
            return "coverage contexts"
        told = f"coverage contexts in {self._from.data.name}"
        if not self._old:
            return told
        try:
            day = time.strftime("%Y-%m-%d", time.localtime(self._from.data.modified_ns // 10**9))
        except (OverflowError, ValueError, OSError):  # a date that no calendar has
            day = "another time"
        return f"{told} (of {day}, {self._old} {printable(self._path.name)})"


class _Names:
    """Test files of the project by the names that contexts give them."""

    def __init__(self, project: Path, files: Sequence[Path]) -> None:
        self._files = {file.relative_to(project).as_posix(): file for file in files}
        self._modules: dict[str, list[Path]] = {}
        for name, file in self._files.items():
            if not _TEST_FILE.match(file.name):
                continue  # product code may have functions whose names begin with "test", too
            parts = name[: -len(".py")].split("/")
            # how much of the path is the module's name depends on how pytest imported it
            for start in range(len(parts)):
                self._modules.setdefault(".".join(parts[start:]), []).append(file)

    def of(self, context: str) -> tuple[list[Path], str]:
        """Files of the test that a context names, and its node id where the context is one."""
        file, node = self.node(context)
        if file is not None:
            return [file], node
        for text in _spellings(context):
            parts = text.split(".")
            for end in range(min(len(parts) - 1, _DEEPEST), 0, -1):
                found = self._modules.get(".".join(parts[:end]))
                if found:
                    return found, ""
        return [], ""

    def node(self, context: str) -> tuple[Path | None, str]:
        """The file of a node id and the id: "tests/test_x.py::test_f[1]|run" of pytest-cov."""
        for text in _spellings(context):
            name, colons, _ = text.partition("::")
            if colons and name in self._files:
                return self._files[name], _PHASE.sub("", text)
        return None, ""


def _spellings(context: str) -> tuple[str, str]:
    """The context, and what follows a static one ("static|dynamic")."""
    return context, context.partition("|")[2]


def _written_ns(file: Path) -> int:
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0
