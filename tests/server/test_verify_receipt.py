"""Where the things that a receipt names lie on this machine, and which of them may be started."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmark_runner.receipt import Dependency
from server.cli.verify_receipt import may_start, moved


@pytest.mark.parametrize(
    ("old", "new", "path", "there"),
    [
        ("/app/a.py", "/home/u/app/a.py", "/app/b.py", "/home/u/app/b.py"),
        ("/app/a.py", "/home/u/app/a.py", "/app/a.py", "/home/u/app/a.py"),
        ("/app/a.py", "/home/u/app/a.py", "/usr/lib/c.py", "/usr/lib/c.py"),
        ("/h/one/src/a.py", "/srv/two/src/a.py", "/h/one/b.py", "/srv/two/b.py"),
        ("/h/one/a.py", "/h/one/z.py", "/h/one/a.py", "/h/one/z.py"),
        ("/h/one/a.py", "/h/one/z.py", "/h/one/b.py", "/h/one/b.py"),
    ],
)
def test_a_project_that_lies_elsewhere(old: str, new: str, path: str, there: str) -> None:
    [found] = moved((Dependency("callee", path, "f", ""),), Path(old), Path(new))
    assert found.path == there


def test_an_environment_that_did_not_move_with_the_project(tmp_path: Path) -> None:
    known = tuple(Dependency(k, "/h/one/.venv/lib", "n", "1") for k in ("library", "callee"))
    library, callee = moved(known, Path("/h/one/a.py"), tmp_path / "one" / "a.py")
    assert library.path == "/h/one/.venv/lib"
    assert callee.path == str(tmp_path / "one/.venv/lib")


def test_which_interpreters_may_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    repository = tmp_path / "repository"
    repository.mkdir()
    (repository / "pyproject.toml").write_text("")
    own = repository / "python"
    own.write_text("")
    file = repository / "r.json"
    assert may_start(Path(sys.executable), file, repository)
    assert not may_start(own, file, tmp_path / "work.py")
    assert not may_start(own, tmp_path / "r.json", repository / "work.py")
    assert not may_start(Path("python"), file, repository)
    anybodys = tmp_path / "anybodys"
    anybodys.mkdir()
    anybodys.chmod(0o777)
    (anybodys / "python").write_text("")
    assert not may_start(anybodys / "python", file, repository / "work.py")
    kept = tmp_path / "data" / "hasten" / "receipts" / "abc.json"
    assert may_start(own, kept, repository / "work.py")
