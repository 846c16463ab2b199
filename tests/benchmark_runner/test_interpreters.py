"""Which interpreter is chosen, and what is never started."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmark_runner.errors import InterpreterError
from benchmark_runner.interpreters import find_python
from tests.pythons import interpreters

OWN = Path(sys.executable)


def planted(folder: Path, name: str = "python") -> Path:
    """An executable that leaves a file behind when it is started."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\ntouch {folder}/started\nexit 1\n")
    path.chmod(0o755)
    return path


def linked(folder: Path, name: str = "python", to: Path = OWN) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).symlink_to(to)
    return folder / name


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "work").mkdir()
    return tmp_path / "work"


def test_explicit_comes_first(workspace: Path) -> None:
    linked(workspace / ".venv" / "bin")
    environment = {"VIRTUAL_ENV": str(workspace / ".venv"), "PATH": ""}
    found = find_python(str(OWN), "/nowhere", workspace, True, environment=environment)
    assert found.path == OWN
    assert found.version == sys.version_info[:3]


@pytest.mark.parametrize("given", ["python3", "./python", "bin/python"])
def test_relative_explicit_is_refused_by_name(workspace: Path, given: str) -> None:
    with pytest.raises(InterpreterError, match="--python") as caught:
        find_python(given, None, workspace, True)
    assert given in caught.value.message
    assert caught.value.code == "python-relative"


def test_missing_explicit_is_named(workspace: Path) -> None:
    missing = workspace / "nowhere" / "python"
    with pytest.raises(InterpreterError) as caught:
        find_python(str(missing), None, workspace, True)
    assert str(missing) in caught.value.message
    assert caught.value.mend


def test_what_is_no_python_is_named(workspace: Path) -> None:
    fake = planted(workspace.parent / "fake")
    with pytest.raises(InterpreterError, match="answer as a Python") as caught:
        find_python(str(fake), None, workspace, True)
    assert str(fake) in caught.value.message


def test_too_old_is_named(workspace: Path) -> None:
    fake = workspace.parent / "old"
    fake.write_text("#!/bin/sh\nprintf 'cpython\\n3.8.18\\n/old\\n'\n")
    fake.chmod(0o755)
    with pytest.raises(InterpreterError, match=r"3\.8\.18") as caught:
        find_python(str(fake), None, workspace, True)
    assert caught.value.code == "python-too-old"


def test_another_implementation_is_named(workspace: Path) -> None:
    fake = workspace.parent / "pypy"
    fake.write_text("#!/bin/sh\nprintf 'pypy\\n3.10.1\\n/pypy\\n'\n")
    fake.chmod(0o755)
    with pytest.raises(InterpreterError, match="pypy"):
        find_python(str(fake), None, workspace, True)


def test_setting_comes_before_the_environment(workspace: Path) -> None:
    bad = planted(workspace.parent / "env" / "bin")
    environment = {"VIRTUAL_ENV": str(bad.parent.parent), "PATH": ""}
    assert find_python(None, str(OWN), workspace, True, environment=environment).path == OWN


def test_relative_setting_is_of_a_trusted_workspace(workspace: Path) -> None:
    venv = linked(workspace / "tools" / "bin")
    assert find_python(None, "tools/bin/python", workspace, True, environment={}).path == venv
    with pytest.raises(InterpreterError, match="absolute"):
        find_python(None, "tools/bin/python", workspace, False, environment={})


def test_active_environment_in_an_untrusted_workspace_is_the_users_own(workspace: Path) -> None:
    venv = linked(workspace / "env" / "bin")
    environment = {"VIRTUAL_ENV": str(workspace / "env"), "PATH": ""}
    assert find_python(None, None, workspace, False, environment=environment).path == venv


def test_environment_that_is_gone_is_passed_over(workspace: Path) -> None:
    environment = {"VIRTUAL_ENV": str(workspace / "gone"), "PATH": ""}
    found = find_python(None, None, workspace, False, environment=environment)
    assert found.path == OWN
    assert any("gone" in note for note in found.notes)


def test_nearest_venv_of_the_file(workspace: Path) -> None:
    linked(workspace / ".venv" / "bin")
    nearer = linked(workspace / "part" / ".venv" / "bin")
    near = workspace / "part" / "deep" / "mod.py"
    near.parent.mkdir()
    near.touch()
    found = find_python(None, None, workspace, True, near=near, environment={"PATH": ""})
    assert found.path == nearer


def test_planted_venv_is_never_started(workspace: Path) -> None:
    bad = planted(workspace / ".venv" / "bin")
    found = find_python(None, None, workspace, False, environment={"PATH": ""})
    assert found.path == OWN
    assert not (bad.parent / "started").exists()
    assert any("hasten trust" in note for note in found.notes)


def test_path_entries_of_an_untrusted_workspace_do_not_count(workspace: Path) -> None:
    bad = planted(workspace / "bin", "python3")
    good = linked(workspace.parent / "elsewhere", "python3")
    environment = {"PATH": f".:{bad.parent}:{good.parent}"}
    assert find_python(None, None, workspace, False, environment=environment).path == good
    assert not (bad.parent / "started").exists()


def test_broken_python_on_path_falls_back_with_a_note(workspace: Path) -> None:
    bad = planted(workspace.parent / "broken", "python3")
    found = find_python(None, None, workspace, True, environment={"PATH": str(bad.parent)})
    assert found.path == OWN
    assert any(str(bad) in note for note in found.notes)


def test_a_shim_stands_for_what_it_starts(workspace: Path) -> None:
    shim = workspace.parent / "shim"
    shim.write_text(f'#!/bin/sh\nexec {OWN} "$@"\n')
    shim.chmod(0o755)
    assert find_python(str(shim), None, workspace, True).path == OWN


@pytest.mark.parametrize("version", ["3.9", "3.10", "3.11", "3.12", "3.13"])
def test_every_supported_version(workspace: Path, version: str) -> None:
    found = interpreters()
    if version not in found:
        pytest.skip(f"no CPython {version} here")
    chosen = find_python(str(found[version]), None, workspace, True)
    assert chosen.version[:2] == tuple(map(int, version.split(".")))
