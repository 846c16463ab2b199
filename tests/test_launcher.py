"""The launcher keeps a workspace's packages out of our processes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hasten.launcher import child_command, child_environment, clean_path, rooms_folder


@pytest.fixture
def hostile_workspace(tmp_path: Path) -> Path:
    for room in ("server", "index", "analysis", "optimizer", "benchmark_runner"):
        package = tmp_path / room
        package.mkdir()
        (package / "__init__.py").write_text("open('PWNED', 'w').close()\n")
    return tmp_path


def test_rooms_come_first_and_the_working_directory_goes(tmp_path: Path):
    path = clean_path(["", str(tmp_path), "/usr/lib/python3"], "", str(tmp_path))
    assert path == [str(rooms_folder()), "/usr/lib/python3"]


def test_entries_of_pythonpath_go():
    path = clean_path(["/a", "/b", "/c"], f"/b{os.pathsep}/c", "/nowhere")
    assert path == [str(rooms_folder()), "/a"]


def test_children_do_not_inherit_pythonpath(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PYTHONPATH", "/evil")
    assert "PYTHONPATH" not in child_environment()


@pytest.mark.parametrize(
    "command",
    [child_command("--version"), [sys.executable, "-m", "hasten", "--version"]],
    ids=["by path", "as module"],
)
def test_packages_of_the_workspace_are_not_imported(hostile_workspace: Path, command: list[str]):
    environment = {**os.environ, "PYTHONPATH": str(hostile_workspace)}
    done = subprocess.run(
        command, cwd=hostile_workspace, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout[:6]) == (0, "hasten"), done.stderr
    assert not (hostile_workspace / "PWNED").exists()
