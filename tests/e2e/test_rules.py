"""`hasten rules measure` that is ended from outside: what was measured is kept."""

from __future__ import annotations

import signal
from pathlib import Path

from analysis.rules.evidence import read_table
from tests.e2e.cli import Cli, below, still_there, wait_until


def test_a_kill_loses_what_runs_and_nothing_else(tmp_path: Path) -> None:
    cli, table = Cli(tmp_path), tmp_path / "table.json"
    rules = ("--rule", "any-equality", "--rule", "membership-set")
    running = cli.start("rules", "measure", *rules, "--jobs", "1", "--out", table)
    wait_until(table.exists, "a first case was kept", 100)
    processes = below(running.process.pid)
    running.signal(signal.SIGKILL)
    running.wait()
    wait_until(lambda: not still_there(processes), "its processes end")
    kept = read_table(table).gains
    names = {gain.case for gain in kept}
    assert len(kept) == 3 * len(names)
    again = cli.start("rules", "measure", *rules, "--jobs", "1", "--out", table)
    again.said("measuring ")
    assert not any(f"measuring {name} on" in again.err.read_text() for name in names)
    again.signal(signal.SIGINT)
    assert again.wait().code == 130
    assert read_table(table).gains == kept
