"""`--cluster` on the command line: a proof on a worker, as on this machine."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.benchmark_runner.executors.hosts import Hosts
from tests.e2e.cli import Cli

pytest.importorskip("distributed")

SLOW = "def total(xs):\n    s = 0\n    for x in xs:\n        s = s + sum([x])\n    return s\n"
FAST = "def total(xs):\n    return sum(xs)\n"
INPUTS = "def inputs():\n    for n in (300, 900):\n        yield (list(range(n)),), {}\n"


def test_a_proof_on_a_worker(tmp_path: Path) -> None:
    cli = Cli(tmp_path)
    for name, text in (("before.py", SLOW), ("after.py", FAST), ("given.py", INPUTS)):
        (tmp_path / name).write_text(text)
    line = ("verify", "before.py", "after.py", "--function", "total", "--inputs", "given.py")
    line += ("--python", sys.executable, "--json")
    folder = tmp_path / "hosts"
    folder.mkdir()
    with Hosts(folder) as hosts:
        hosts.add("one")
        done = cli(*line, "--cluster", hosts.address)
    assert done.out.startswith("{"), done.out + done.err
    value = done.value
    assert (done.code, value["decision"]) == (0, "faster"), value
    assert value["receipt"]["environment"]["executor"] == "dask"
    assert value["receipt"]["path"] == str(tmp_path / "before.py")
    assert len(hosts.runs("one")) == 1
