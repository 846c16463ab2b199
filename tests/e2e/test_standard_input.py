"""Commands that run a program several times, with something on their standard input."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from textwrap import dedent

import pytest

from tests.e2e.cli import HASTEN, Cli, wait_until

PROGRAM = dedent("""
    import sys


    def common(left, right: list):
        return [item for item in left if item in right]


    numbers = [int(line) for line in sys.stdin]
    print("found", len(common(numbers, list(numbers))))
""")


def hasten(folder: Path, *words: str, stdin: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [HASTEN, *words], cwd=folder, env=Cli(folder).environment, stdin=stdin,
        capture_output=True, text=True, timeout=170, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("command", ["profile", "optimize"])
@pytest.mark.parametrize("way", ["file", "pipe"])
def test_every_run_reads_the_same(tmp_path: Path, command: str, way: str) -> None:
    (tmp_path / "main.py").write_text(PROGRAM)
    lines = "".join(f"{i}\n" for i in range(3000))
    (tmp_path / "lines").write_text(lines)
    if way == "file":
        with (tmp_path / "lines").open("rb") as file:
            done = hasten(
                tmp_path, command, "--json", "--", "python", "main.py", stdin=file.fileno()
            )
    else:
        with subprocess.Popen(["cat", "lines"], cwd=tmp_path, stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            done = hasten(
                tmp_path, command, "--json", "--", "python", "main.py", stdin=writer.stdout.fileno()
            )
    assert done.returncode == 0, done.stderr
    if command == "profile":
        assert "found 3000" in done.stderr
        assert "found 0" not in done.stderr
        assert [row["count"] for row in json.loads(done.stdout)["captured"]] == [1]
    else:
        found = json.loads(done.stdout)
        assert found["inputs"]["source"] == "captured"
        assert found["run"] is not None, found["notes"]


@pytest.mark.parametrize("command", ["profile", "optimize"])
def test_an_open_pipe_that_nobody_writes_to(tmp_path: Path, command: str) -> None:
    (tmp_path / "main.py").write_text("def f(n):\n    return sum(range(n))\n\nf(10**6)\n")
    reader, writer = os.pipe()
    try:
        done = hasten(tmp_path, command, "--json", "--", "python", "main.py", stdin=reader)
    finally:
        os.close(reader)
        os.close(writer)
    assert done.returncode in (0, 1), done.stderr


def test_an_interrupt_ends_a_program_that_waits_for_input(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("open('here', 'w').close()\ninput()\n")
    reader, writer = os.pipe()
    process = subprocess.Popen(
        [HASTEN, "profile", "--", "python", "main.py"], cwd=tmp_path,
        env=Cli(tmp_path).environment, stdin=reader, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_until((tmp_path / "here").exists, "the program waits")
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
    finally:
        process.kill()
        os.close(reader)
        os.close(writer)
