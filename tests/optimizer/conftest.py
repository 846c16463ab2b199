"""State, data and runtime folders of their own for each test, and no engine left behind."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from optimizer.engine.protocol import OptimizeSpec


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty workspace; engines that a test started for it are killed at its end."""
    runtime = Path(tempfile.mkdtemp(prefix="hr-"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("HASTEN_ENGINE_IDLE_S", "20")
    folder = tmp_path / "workspace"
    folder.mkdir()
    (folder / "hasten.toml").write_text("")
    yield folder.resolve()
    for pid in engines(runtime):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    shutil.rmtree(runtime, ignore_errors=True)


def engines(runtime: Path) -> list[int]:
    """Engine processes whose environment names this runtime folder."""
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            command = (entry / "cmdline").read_bytes().split(b"\0")
            environment = (entry / "environ").read_bytes()
            if b"engine" in command and str(runtime).encode() in environment:
                found.append(int(entry.name))
    return found


@pytest.fixture
def sleeper(workspace: Path) -> OptimizeSpec:
    """A job that runs until it is cancelled: its workload never ends."""
    (workspace / "sleeper.py").write_text("import time\ntime.sleep(1000)\n")
    return OptimizeSpec(
        workspace=str(workspace),
        path=None,
        function=None,
        python=sys.executable,
        workload=("python", "sleeper.py"),
        cwd=str(workspace),
    )
