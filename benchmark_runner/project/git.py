"""What git knows of a tree, asked without running anything of it and without writing into it.

Hooks, file system monitors and filters of Git LFS are off; nothing is added to `.git`: a commit is
written out with an index of our own, never as a worktree of the user's repository.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmark_runner.errors import WorkloadError

_OFF = (
    "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "filter.lfs.smudge=",
    "-c", "filter.lfs.process=", "-c", "filter.lfs.required=false", "-c", "gc.auto=0",
    "-c", "safe.directory=*",
)  # fmt: skip
_SECONDS = 300.0
_POINTER = b"version https://git-lfs.github.com/spec/"
_MOST_POINTER = 1024


def git(tree: Path, *arguments: str, index: Path | None = None) -> bytes:
    """Standard output of one git command. Raises WorkloadError (git-missing, git-failed)."""
    keep = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    values = {**keep, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C.UTF-8"}
    if index is not None:
        values["GIT_INDEX_FILE"] = str(index)
    program = shutil.which("git")
    if program is None:
        raise WorkloadError("git is not installed", code="git-missing", mend="install git")
    try:
        done = subprocess.run(
            [program, *_OFF, "-C", str(tree), *arguments],
            env=values,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _failed(tree, arguments, str(error)) from error
    if done.returncode != 0:
        tail = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise _failed(tree, arguments, tail or f"exit code {done.returncode}")
    return done.stdout


def _failed(tree: Path, arguments: Sequence[str], why: str) -> WorkloadError:
    return WorkloadError(
        f"{tree}: `git {arguments[0]}` failed: {why}",
        code="git-failed",
        mend="see that it is a git repository and that the commit exists",
    )


def root_of(path: Path) -> Path:
    """The root of the work tree that holds a path. Raises WorkloadError."""
    return Path(os.fsdecode(git(path, "rev-parse", "--show-toplevel").rstrip(b"\n")))


def is_repository(tree: Path) -> bool:
    """Whether a folder is the root of a git work tree."""
    try:
        return root_of(tree).resolve() == tree.resolve()
    except WorkloadError:
        return False


def commit_of(tree: Path, ref: str) -> str:
    """The full hash of a commit. Raises WorkloadError (ref-unknown)."""
    try:
        found = git(tree, "rev-parse", "--verify", "--end-of-options", f"{ref}^{{commit}}")
    except WorkloadError as error:
        if error.code != "git-failed":
            raise
        raise WorkloadError(
            f"{ref!r} names no commit of {tree}",
            code="ref-unknown",
            mend="give --base a branch, tag or commit that exists",
        ) from error
    return found.decode("ascii").strip()


@dataclass
class Listing:
    """Files of a tree by their path relative to it, and what of it can't be had (in words)."""

    files: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def work_tree_files(tree: Path) -> Listing:
    """Tracked files and new ones that are not ignored, those of submodules included."""
    listing = Listing()
    out = git(tree, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in dict.fromkeys(os.fsdecode(raw) for raw in out.split(b"\0") if raw):
        path = tree / name
        if name.endswith("/") or (path.is_dir() and not path.is_symlink()):
            inner = name.rstrip("/")
            if (path / ".git").exists():
                below = work_tree_files(path)
                listing.files += [f"{inner}/{file}" for file in below.files]
                listing.notes += below.notes
            else:
                listing.notes.append(f"submodule {inner} is not checked out: empty in the copies")
        elif path.is_symlink() or path.is_file():
            listing.files.append(name)
    return listing


def ignored_files(tree: Path, patterns: Sequence[str]) -> list[str]:
    """Ignored files that one of the globs (relative to the tree) names."""
    if not patterns:
        return []
    specs = [f":(glob){one.rstrip('/')}" for one in patterns]
    specs += [f":(glob){one.rstrip('/')}/**" for one in patterns]
    out = git(tree, "ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--", *specs)
    return [os.fsdecode(raw) for raw in out.split(b"\0") if raw]


def export(tree: Path, commit: str, target: Path) -> list[str]:
    """Write a commit's files into a new folder, submodules included; remarks in words.

    Git LFS files come from the repository's own store where it has them. Raises WorkloadError.
    """
    notes: list[str] = []
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="index-", dir=target.parent) as folder:
        index = Path(folder) / "index"
        git(tree, "read-tree", commit, index=index)
        git(tree, "checkout-index", "--all", "--force", f"--prefix={target}/", index=index)
    listed = git(tree, "ls-tree", "-r", "-z", commit)
    lacking = 0
    for raw in listed.split(b"\0"):
        head, _, name_raw = raw.partition(b"\t")
        name = os.fsdecode(name_raw)
        if head.startswith(b"160000"):
            notes += _submodule(tree / name, head.split()[2].decode(), target / name, name)
        elif head.startswith(b"100"):
            lacking += not _with_content(tree, target / name)
    if lacking:
        notes.append(
            f"{lacking} Git LFS files are only pointers: their content is not on this disk"
        )
    return notes


def _submodule(source: Path, commit: str, target: Path, name: str) -> list[str]:
    if (source / ".git").exists():
        try:
            return export(source, commit, target)
        except WorkloadError:
            pass
    target.mkdir(parents=True, exist_ok=True)
    return [f"submodule {name} is empty in the copies: its commit is not on this disk"]


def _with_content(tree: Path, path: Path) -> bool:
    """Put the content of a Git LFS file in; False when it is a pointer whose content is missing."""
    try:
        if path.is_symlink() or path.stat().st_size > _MOST_POINTER:
            return True
        data = path.read_bytes()
    except OSError:
        return True
    if not data.startswith(_POINTER):
        return True
    oid = next(
        (line[11:] for line in data.decode("ascii", "replace").splitlines()
         if line.startswith("oid sha256:")), "",
    )  # fmt: skip
    if len(oid) != 64 or not oid.isalnum():
        return False
    common = Path(os.fsdecode(git(tree, "rev-parse", "--git-common-dir").rstrip(b"\n")))
    stored = (tree / common) / "lfs" / "objects" / oid[:2] / oid[2:4] / oid
    if not stored.is_file():
        return False
    shutil.copyfile(stored, path)
    return True
