"""What the whole run gains, on sandboxed scratch copies."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from analysis.errors import Cancelled
from analysis.progress import CancelToken
from benchmark_runner.recording import whole_run
from benchmark_runner.recording.command import parse_command
from benchmark_runner.recording.record import WholeRun, measure_run
from benchmark_runner.sandbox.program import ProgramRun
from benchmark_runner.workload import Version
from tests.benchmark_runner.programs import write

OWN = Path(sys.executable)

MAIN = "import sys, lib\nprint(lib.f(int(sys.argv[1])))\n"
SLOW = "def f(n):\n    return sum(1 for _ in range(n * 100_000)) // 100_000\n"
FAST = "def f(n):\n    return n\n"


def measure(folder: Path, after: str, *command: str, **more: Any) -> WholeRun | str:
    before, edited = Version(), Version.of({folder / "lib.py": after})
    return measure_run(
        command or ("python", "main.py", "3"), more.pop("cwd", folder), folder,
        before, edited, python=OWN, timeout_s=more.pop("timeout_s", 60.0), **more,
    )  # fmt: skip


@pytest.fixture(autouse=True)
def own_timing_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is timed here, so nothing needs to wait for another timing on this machine."""
    (tmp_path / "runtime").mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "runtime"))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    write(folder, main=MAIN, lib=SLOW)
    return folder


def test_two_versions_that_do_the_same(project: Path) -> None:
    found = measure(project, FAST)
    assert isinstance(found, WholeRun), found
    assert found.pairs in (2, 4, 6)  # by how long they took together
    assert min(found.before_s, found.after_s) > 0


class Clockwork:
    """Stands for scratch copies whose runs take given seconds, in the order of the runs."""

    def __init__(self, *seconds: float) -> None:
        self.seconds = list(seconds)
        self.command = parse_command(["python", "main.py"], Path(), OWN)

    def run(self, version: Version, timeout_s: float, cancel: CancelToken) -> ProgramRun:
        wall = self.seconds.pop(0)
        return ProgramRun(0, wall, wall, False, "L2", "", "", "same")


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        ([1.0, 0.5, 2.5, 1.1, 3.0, 0.5, 0.6, 1.0, 1.0], (1.0, 0.5, 4)),
        ([1.0, 0.5] * 6, (0.5, 0.5, 6)),
        ([3.0, 2.5, 2.6, 4.0], (3.0, 2.5, 2)),
        ([11.0, 2.0], (11.0, 2.0, 1)),
        ([2.0, 1.0, 1.1, 1.9, 9.0], (1.9, 1.0, 2)),
        ([0.2, 0.1, 0.1, 0.2] * 3, (0.2, 0.1, 6)),
        ([0.8, 0.1, 0.1, 0.8, 0.7, 0.1, 0.1, 0.8, 9.0], (0.7, 0.1, 4)),
    ],
)
def test_the_least_of_some_runs_counts(
    seconds: list[float], expected: tuple[float, float, int]
) -> None:
    clockwork: Any = Clockwork(*seconds)
    found = whole_run._interleaved(
        clockwork, Version(), Version(), 60.0, lambda *_: None, CancelToken()
    )
    assert (found.before_s, found.after_s, found.pairs) == expected


def test_nothing_in_the_workspace_changes(project: Path) -> None:
    (project / "main.py").write_text(MAIN + "open('made', 'x').write('')\n")
    found = measure(project, FAST)
    assert isinstance(found, WholeRun), found
    assert sorted(p.name for p in project.iterdir()) == ["lib.py", "main.py"]
    assert (project / "lib.py").read_text() == SLOW


def test_other_output_is_no_gain(project: Path) -> None:
    found = measure(project, "def f(n):\n    return n + 1\n")
    assert isinstance(found, str)
    assert "prints something else" in found


def test_output_that_always_differs_is_no_gain(project: Path) -> None:
    (project / "main.py").write_text("import os\nprint(os.urandom(8))\n")
    assert "prints something else" in str(measure(project, FAST))


def test_another_exit_code_is_no_gain(project: Path) -> None:
    assert "exit code 5" in str(measure(project, "def f(n):\n    raise SystemExit(5)\n"))


def test_a_program_that_fails_in_the_sandbox_says_so(project: Path) -> None:
    text = "import socket\nsocket.create_connection(('127.0.0.1', 9))\n"
    (project / "main.py").write_text(text)
    found = measure(project, FAST)
    assert isinstance(found, str)
    assert "does not run in the sandbox" in found


def test_an_endless_version_is_ended(project: Path) -> None:
    found = measure(project, "def f(n):\n    while True: pass\n", timeout_s=1.5)
    assert isinstance(found, str)
    assert "did not end" in found


def test_module_from_a_folder_inside(project: Path) -> None:
    write(project, **{"app/__init__": "", "app/__main__": MAIN})
    (project / "lib.py").rename(project / "app" / "lib.py")
    (project / "app" / "__main__.py").write_text(MAIN.replace("lib", "app.lib"))
    edited = Version.of({project / "app" / "lib.py": FAST})
    found = measure_run(
        ("python", "-m", "app", "30"), project, project, Version(), edited, python=OWN
    )
    assert isinstance(found, WholeRun), found


def test_absolute_paths_mean_the_copy(project: Path) -> None:
    found = measure(project, "raise SystemExit(7)\n", "python", str(project / "main.py"), "3")
    assert "exit code 7" in str(found), "the edited copy must be what ran"


def test_folders_on_the_users_path_mean_the_copy(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "src").mkdir()
    (project / "lib.py").rename(project / "src" / "lib.py")
    monkeypatch.setenv("PYTHONPATH", str(project / "src"))
    edited = Version.of({project / "src" / "lib.py": "raise SystemExit(7)\n"})
    found = measure_run(("python", "main.py", "3"), project, project, Version(), edited, python=OWN)
    assert "exit code 7" in str(found)


def test_a_working_directory_elsewhere_says_so(project: Path, tmp_path: Path) -> None:
    assert "outside the workspace" in str(measure(project, FAST, cwd=tmp_path))


def test_a_large_workspace_says_so(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole_run, "MOST_BYTES", 10)
    assert "larger than" in str(measure(project, FAST))


def test_links_out_of_the_workspace_are_not_followed(project: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "key").write_text("secret")
    (project / "link").symlink_to(tmp_path / "secret")
    (project / "main.py").write_text("import os\nprint(os.path.lexists('link'))\n")
    found = measure(project, FAST)
    assert isinstance(found, WholeRun), found
    write(project, main="import os, sys\nsys.exit(os.path.lexists('link'))\n")
    assert isinstance(measure(project, FAST), WholeRun), "the link was copied"


def test_cancelled_before_it_starts(project: Path) -> None:
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        measure(project, FAST, cancel=cancel)
