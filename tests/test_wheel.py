"""The wheel holds one top-level package, and its hasten runs from the rooms inside it."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder],
        cwd=ROOT, check=True, capture_output=True,
    )  # fmt: skip
    [wheel] = folder.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(folder / "site")
    return folder / "site"


def run(unpacked: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, unpacked / "hasten" / "__main__.py", *arguments],
        cwd=unpacked.parent, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_adds_one_name_to_site_packages(unpacked: Path):
    names = {p.name for p in unpacked.iterdir() if not p.name.endswith(".dist-info")}
    assert names == {"hasten"}


def test_it_brings_the_corpus_and_the_harness(unpacked: Path):
    rooms = unpacked / "hasten" / "_rooms"
    assert (rooms / "index" / "corpus" / "python.jsonl").stat().st_size > 0
    assert (rooms / "benchmark_runner" / "worker" / "harness.py").is_file()


def test_its_command_line_runs_from_its_own_rooms(unpacked: Path):
    assert run(unpacked, "--version").startswith("hasten ")
    # A room that is broken in the wheel breaks its command: so it did not come from elsewhere.
    (unpacked / "hasten" / "_rooms" / "server" / "cli" / "main.py").write_text(
        "def main(argv):\n    print('from the wheel')\n    return 0\n"
    )
    assert run(unpacked, "doctor") == "from the wheel\n"
