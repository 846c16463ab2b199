"""What was acknowledged survives SIGKILL at any moment."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from index.store import Memory

ROOT = Path(__file__).resolve().parents[2]

_WRITER = """
import sys
sys.path.insert(0, sys.argv[2])
from pathlib import Path
from index.record import AcceptedEdit, Refusal
from index.store import Memory, now
memory = Memory(Path(sys.argv[1]))
n = 0
while True:
    n += 1
    edit = memory.accept(AcceptedEdit(f"s{n}", "w", "p", "b" * 5000, "a", "00", now()))
    memory.record_outcome(Refusal(f"f{n}", "CPython 3.11.7", "k", "failed", "r", now()))
    print(n, flush=True)
"""


@pytest.mark.parametrize("trial", range(10))
def test_kill_loses_nothing_acknowledged(tmp_path: Path, trial: int) -> None:
    path = tmp_path / "memory.db"
    acknowledged = random.Random(trial).randrange(0, 120)
    child = subprocess.Popen(
        [sys.executable, "-S", "-c", _WRITER, str(path), str(ROOT)],
        stdout=subprocess.PIPE,
        env={"PYTHONPATH": ":".join(p for p in sys.path if p)},
    )
    assert child.stdout is not None
    lines = [child.stdout.readline() for _ in range(acknowledged)]
    child.send_signal(signal.SIGKILL)
    lines += child.stdout.read().split()  # acknowledged before the kill arrived
    child.wait()
    last = int(lines[-1]) if lines else 0
    assert last >= acknowledged
    with Memory(path) as memory:
        assert memory.notes == ()
        kept = {edit.suggestion for edit in memory.accepted()}
        assert {f"s{n}" for n in range(1, last + 1)} <= kept
        assert all(memory.refusals(f"f{n}", "CPython 3.11.7") for n in range(1, last + 1))
        assert memory.damage() is None
