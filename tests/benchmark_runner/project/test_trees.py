"""Copies of a tree: what is in them, whose tests they have; the repository is untouched."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

from analysis.progress import CancelToken
from benchmark_runner.errors import WorkloadError
from benchmark_runner.project import git
from benchmark_runner.project.trees import (
    is_harness,
    materialise,
    scratch_folder,
    take_harness,
)
from benchmark_runner.sandbox.leftovers import own_folder
from benchmark_runner.workload import Version


def run_git(folder: Path, *arguments: str) -> None:
    own = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "protocol.file.allow=always"]
    subprocess.run(["git", *own, "-C", folder, *arguments], check=True, capture_output=True)


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    folder.mkdir()
    run_git(folder, "init", "-q")
    write(folder, {"a.py": "old\n", "gone.py": "x\n", ".gitignore": "out/\n*.so\n",
                   ".gitattributes": "a.py export-ignore\n"})  # fmt: skip
    run_git(folder, "add", "-A")
    run_git(folder, "commit", "-qm", "first")
    write(folder, {"a.py": "new\n", "fresh.py": "y\n", "out/built.o": "z", "fast.so": "so"})
    (folder / "gone.py").unlink()
    return folder


def names(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


def copy(tree: Path, version: Version, target: Path, *keep: str) -> set[str]:
    materialise(tree, version, keep, target, CancelToken())
    return names(target) - {".gitignore", ".gitattributes"}


def test_a_commit_is_written_out_whole_whatever_archives_leave_out(tree: Path, tmp_path: Path):
    head = git.commit_of(tree, "HEAD")
    assert copy(tree, Version(commit=head), tmp_path / "c") == {"a.py", "gone.py"}
    assert (tmp_path / "c" / "a.py").read_text() == "old\n"


def test_the_work_tree_has_new_files_and_none_that_git_ignores(tree: Path, tmp_path: Path):
    assert copy(tree, Version(), tmp_path / "c") == {"a.py", "fresh.py"}
    assert copy(tree, Version(), tmp_path / "k", "out", "*.so") == {
        "a.py", "fresh.py", "out/built.o", "fast.so",
    }  # fmt: skip


def test_texts_stand_in_for_files_and_only_inside_the_tree(tree: Path, tmp_path: Path):
    version = Version.of({tree / "a.py": "mine\r\n", tree / "new" / "b.py": "b"})
    assert "new/b.py" in copy(tree, version, tmp_path / "c")
    assert (tmp_path / "c" / "a.py").read_bytes() == b"mine\r\n"
    with pytest.raises(WorkloadError, match="outside"):
        copy(tree, Version.of({tmp_path / "else.py": ""}), tmp_path / "d")


def test_a_text_is_not_written_through_a_link_that_leads_out(tree: Path, tmp_path: Path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (tree / "link").symlink_to(outside)
    with pytest.raises(WorkloadError, match="link"):
        copy(tree, Version.of({tree / "link" / "b.py": "b"}), tmp_path / "c")
    assert not list(outside.iterdir())


def test_the_repository_is_untouched(tree: Path, tmp_path: Path):
    def state() -> dict[str, str]:
        return {
            str(p.relative_to(tree)): hashlib.sha256(p.read_bytes()).hexdigest()
            for p in tree.rglob("*") if p.is_file()
        }  # fmt: skip

    before = state()
    copy(tree, Version(commit=git.commit_of(tree, "HEAD")), tmp_path / "c")
    copy(tree, Version(), tmp_path / "d")
    assert state() == before
    assert not (tree / ".git" / "worktrees").exists()


def test_hooks_and_monitors_of_the_repository_do_not_run(tree: Path, tmp_path: Path):
    trap = tmp_path / "trap"
    script = tree / ".git" / "hooks" / "post-checkout"
    script.parent.mkdir(exist_ok=True)
    script.write_text(f"#!/bin/sh\ntouch {trap}\n")
    script.chmod(0o755)
    run_git(tree, "config", "core.fsmonitor", str(script))
    copy(tree, Version(commit=git.commit_of(tree, "HEAD")), tmp_path / "c")
    copy(tree, Version(), tmp_path / "d")
    assert not trap.exists()


def test_submodules_are_copied_and_missing_ones_are_told(tree: Path, tmp_path: Path):
    other = tmp_path / "other"
    other.mkdir()
    run_git(other, "init", "-q")
    write(other, {"lib.py": "lib\n"})
    run_git(other, "add", "-A")
    run_git(other, "commit", "-qm", "lib")
    run_git(tree, "submodule", "add", "-q", str(other), "vendor")
    run_git(tree, "commit", "-qam", "vendor")
    head = Version(commit=git.commit_of(tree, "HEAD"))
    assert "vendor/lib.py" in copy(tree, head, tmp_path / "c")
    assert "vendor/lib.py" in copy(tree, Version(), tmp_path / "d")
    shutil.rmtree(tree / "vendor")
    notes = materialise(tree, head, (), tmp_path / "e", CancelToken()).notes
    assert "submodule vendor is empty" in notes[0]


def test_lfs_files_come_from_the_local_store_or_are_told(tree: Path, tmp_path: Path):
    data = b"large"
    oid = hashlib.sha256(data).hexdigest()
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize 5\n"
    write(tree, {"big.bin": pointer})
    run_git(tree, "add", "big.bin")
    run_git(tree, "commit", "-qm", "big")
    head = Version(commit=git.commit_of(tree, "HEAD"))
    notes = materialise(tree, head, (), tmp_path / "c", CancelToken()).notes
    assert "1 Git LFS files" in notes[0]
    store = tree / ".git" / "lfs" / "objects" / oid[:2] / oid[2:4]
    store.mkdir(parents=True)
    (store / oid).write_bytes(data)
    assert materialise(tree, head, (), tmp_path / "d", CancelToken()).notes == ()
    assert (tmp_path / "d" / "big.bin").read_bytes() == data


def test_an_unknown_commit_and_no_repository_are_told(tree: Path, tmp_path: Path):
    with pytest.raises(WorkloadError) as caught:
        git.commit_of(tree, "--help")
    assert caught.value.code == "ref-unknown"
    with pytest.raises(WorkloadError) as caught:
        git.root_of(tmp_path)
    assert caught.value.code == "git-failed"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("tests/a.py", True), ("src/test_x.py", True), ("x_test.go", True), ("conftest.py", True),
        ("benches/data.bin", True), ("FooTest.java", True), ("bench.py", True),
        ("src/contest.py", False), ("latest.py", False), ("pyproject.toml", False),
        ("lib/benchmarking.py", False), ("src/perform.c", False), ("a.spec.ts", True),
    ],
)  # fmt: skip
def test_what_counts_as_a_test_or_benchmark(name: str, expected: bool) -> None:
    assert is_harness(name) is expected


def test_the_harness_of_one_copy_replaces_that_of_another(tmp_path: Path) -> None:
    write(tmp_path / "a", {"m.py": "a", "tests/test_m.py": "strict", "bench.py": "a"})
    write(tmp_path / "b", {"m.py": "b", "tests/test_m.py": "lax", "tests/test_more.py": "b"})
    take_harness(tmp_path / "a", tmp_path / "b")
    assert names(tmp_path / "b") == {"m.py", "tests/test_m.py", "bench.py"}
    assert (tmp_path / "b" / "tests" / "test_m.py").read_text() == "strict"
    assert (tmp_path / "b" / "m.py").read_text() == "b"


def test_scratch_folders_are_each_their_own_and_gone_whatever_lies_in_them() -> None:
    with scratch_folder() as first, scratch_folder() as second:
        assert first != second
        assert first.parent == second.parent == own_folder()
        write(first, {"run/x": "x"})
        (first / "run").chmod(0o500)
    assert not first.exists() and not second.exists()
