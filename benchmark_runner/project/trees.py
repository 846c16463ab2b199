"""Scratch copies of a project's tree, one for each version, removed whatever happens.

The user's repository is only read.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from analysis.progress import CancelToken
from benchmark_runner.errors import WorkloadError
from benchmark_runner.project import git
from benchmark_runner.receipts.dependencies import entry_digest
from benchmark_runner.sandbox.files import remove_folder
from benchmark_runner.sandbox.leftovers import own_folder
from benchmark_runner.workload import Version

PREFIX = "hasten-command-"
MOST_BYTES = 2_000_000_000
_MOST_FILES = 200_000
_LEFT_OUT = frozenset({
    ".git", ".hg", ".svn", ".venv", "node_modules", "__pycache__", ".mypy_cache", ".pytest_cache",
    ".ruff_cache", ".hypothesis", ".tox", ".nox", ".cache", "target",
})  # fmt: skip
_HARNESS_FOLDERS = frozenset({
    "test", "tests", "testing", "__tests__", "spec", "specs", "benchmark", "benchmarks", "bench",
    "benches", "perf",
})  # fmt: skip
_HARNESS_NAME = re.compile(
    r"(?:^|[_.-])(?:tests?|unittests?|bench(?:mark)?s?|specs?|perf|conftest)(?:[_.-]|$)"
    r"|(?:Tests?|Bench(?:mark)?s?|Spec)$"
)


def is_harness(name: str) -> bool:
    """Whether a file (relative to the tree) is part of the tests or benchmarks, by convention.

    Folders called tests, benches and the like, and names like test_x.py, x_bench.c, conftest.py,
    FooTest.java.
    """
    *folders, last = name.split("/")
    if any(folder.lower() in _HARNESS_FOLDERS for folder in folders):
        return True
    stem = last.split(".", 1)[0] if not last.startswith(".") else last
    return bool(_HARNESS_NAME.search(stem) or _HARNESS_NAME.search(last.rpartition(".")[0]))


@contextmanager
def scratch_folder(prefix: str = PREFIX) -> Iterator[Path]:
    """A folder of our own that is gone afterwards; what a killed process leaves is swept by the
    next one (see leftovers)."""
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=own_folder()))
    try:
        yield folder
    finally:
        remove_folder(folder)


@dataclass(frozen=True)
class Copied:
    """What was written of a version: digests of its files by name, and remarks in words."""

    digests: dict[str, str]
    notes: tuple[str, ...]


def materialise(
    tree: Path, version: Version, keep: Iterable[str], target: Path, cancel: CancelToken
) -> Copied:
    """Write a version of a tree into a new folder, without its `.git`.

    Raises WorkloadError (git-failed, tree-large, outside-tree) and Cancelled.
    """
    repository = git.is_repository(tree)
    notes: list[str] = []
    if version.commit is not None:
        notes += git.export(tree, version.commit, target)
    else:
        listing = git.work_tree_files(tree) if repository else git.Listing(_walk(tree))
        notes += listing.notes
        _copy_files(tree, listing.files, target, cancel)
    if repository:
        _copy_files(tree, git.ignored_files(tree, tuple(keep)), target, cancel)
    for name, text in version.files:
        _put(tree, target, Path(name), text)
    return Copied(_digests(target, cancel), tuple(dict.fromkeys(notes)))


def _walk(tree: Path) -> list[str]:
    """All files of a tree without version control, environments and caches."""
    found: list[str] = []
    for folder, folders, files in os.walk(tree):
        folders[:] = [
            name
            for name in folders
            if name not in _LEFT_OUT and not (Path(folder) / name / "pyvenv.cfg").is_file()
        ]
        place = os.path.relpath(folder, tree)
        found += [name if place == "." else f"{place}/{name}" for name in files]
        if len(found) > _MOST_FILES:
            raise _too_large(tree)
    return found


def _too_large(tree: Path) -> WorkloadError:
    return WorkloadError(
        f"{tree}: more than {MOST_BYTES // 1_000_000} MB or {_MOST_FILES} files to copy",
        code="tree-large",
        mend="have git ignore what tests and benchmarks don't need",
    )


def _copy_files(tree: Path, names: Iterable[str], target: Path, cancel: CancelToken) -> None:
    total = 0
    target.mkdir(parents=True, exist_ok=True)
    for count, name in enumerate(names):
        cancel.check()
        source, copy = tree / name, target / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            if source.is_symlink():
                copy.unlink(missing_ok=True)
                copy.symlink_to(source.readlink())
            elif source.is_file():
                total += source.stat().st_size
                shutil.copy2(source, copy)
        if total > MOST_BYTES or count > _MOST_FILES:
            raise _too_large(tree)


def relative(tree: Path, path: Path) -> str:
    """A file's name within the tree. Raises WorkloadError for one outside it."""
    for one, root in ((path, tree), (path.resolve(), tree.resolve())):
        if one.is_relative_to(root) and ".." not in one.parts:
            return one.relative_to(root).as_posix()
    raise WorkloadError(
        f"{path} lies outside the tree {tree}", code="outside-tree", mend="edit files of the tree"
    )


def _put(tree: Path, target: Path, path: Path, text: str) -> None:
    name = relative(tree, path if path.is_absolute() else tree / path)
    copy = target / name
    if not copy.parent.resolve().is_relative_to(target.resolve()):
        raise WorkloadError(
            f"{path} lies behind a link", code="outside-tree", mend="edit the file itself"
        )
    copy.parent.mkdir(parents=True, exist_ok=True)
    if copy.is_symlink():
        copy.unlink()
    copy.write_text(text, encoding="utf-8", errors="surrogateescape", newline="")


def files_below(folder: Path) -> list[str]:
    """Names of files and links below a folder, relative to it, sorted."""
    found = []
    for place, folders, files in os.walk(folder):
        links = [name for name in folders if (Path(place) / name).is_symlink()]
        found += [os.path.relpath(Path(place) / name, folder) for name in (*files, *links)]
    return sorted(found)


def _digests(folder: Path, cancel: CancelToken) -> dict[str, str]:
    found = {}
    for name in files_below(folder):
        cancel.check()
        found[name] = entry_digest(folder / name) or "no file"
    return found


def take_harness(source: Path, target: Path) -> None:
    """Give `target` the tests and benchmarks of `source`, and none that only it has."""
    for name in files_below(target):
        if is_harness(name):
            (target / name).unlink()
    for name in files_below(source):
        if is_harness(name):
            copy = target / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / name, copy, follow_symlinks=False)


def tree_digest(digests: dict[str, str]) -> str:
    """One digest over all files of a tree."""
    total = hashlib.sha256()
    for name in sorted(digests):
        total.update(f"{name}\0{digests[name]}\n".encode("utf-8", "surrogateescape"))
    return total.hexdigest()
