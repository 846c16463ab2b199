"""`hasten verify --instructions` through the real command line."""

from pathlib import Path

import pytest

from benchmark_runner.instruments.totals import instrument
from tests.e2e.cli import Cli

SLOW = """
def total(n):
    found = 0
    for i in range(n):
        found += i & 7
    return found
"""
FAST = """
def total(n):
    rest = n % 8
    return n // 8 * 28 + rest * (rest - 1) // 2
"""
INPUTS = "def inputs():\n    return [((n,), {}) for n in (3000, 4000, 5000)]\n"


@pytest.mark.slow
@pytest.mark.skipif(instrument() is None, reason="no counters and no valgrind here")
def test_a_count_is_part_of_the_receipt_where_it_is_asked_for(tmp_path: Path):
    cli = Cli(tmp_path)
    for name, text in (("before.py", SLOW), ("after.py", FAST), ("given.py", INPUTS)):
        (cli.folder / name).write_text(text)
    done = cli("verify", "before.py", "after.py", "--function", "total", "--inputs", "given.py",
               "--instructions", "--json")  # fmt: skip
    receipt = done.value["receipt"]
    found = receipt["instructions"]
    assert done.code == 0, done.out
    assert found["agrees"] is True
    assert found["ratio"] == pytest.approx(found["before"] / found["after"])
    assert found["ratio"] > 10
    assert any(note.startswith("instructions of a call") for note in receipt["notes"])
