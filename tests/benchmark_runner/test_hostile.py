"""Every hostile candidate through the whole proof, at L1 and at L2.

None is accepted as faster beyond its honest speed, nothing outside its scratch folder changes, no
process is left, and each ends by the bench's own limits. `python -m benchmarks.hostile` prints
the same as a table.
"""

from __future__ import annotations

import dataclasses
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmark_runner.receipt import Level
from benchmark_runner.sandbox import layout
from benchmark_runner.worker import harness
from tests.benchmark_runner.hostile import ANSWERING, CHEATS
from tests.benchmark_runner.hostile.cheat import Cheat
from tests.benchmark_runner.hostile.world import Worlds
from tests.benchmark_runner.workers import LEVELS

CONFINED = [level for level in LEVELS if level != "L0"]
REPOSITORY = Path(__file__).parents[2]
_HUNG_S = 300.0
"""No cheat comes near it even on a machine that is busy with other things."""


def _is_slow(number: int, one: Cheat, level: Level) -> bool:
    """What only `make test-all` runs: long ones, and of those that just answer one level each.

    A wrong answer is found by the parent, whatever confines the process; the levels take turns.
    """
    if one in ANSWERING and set(CONFINED) == {"L1", "L2"}:
        return one.slow or level != CONFINED[number % 2]
    return one.slow


PARAMETERS = [
    pytest.param(
        one,
        level,
        id=f"{one.name}-{level}",
        marks=[pytest.mark.slow] if _is_slow(number, one, level) else [],
    )
    for number, one in enumerate(CHEATS)
    for level in CONFINED
]


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worlds]:
    made = Worlds(tmp_path_factory.mktemp("hostile"))
    yield made
    made.close()


@pytest.mark.parametrize(("one", "level"), PARAMETERS)
def test_is_caught_and_leaves_nothing(one: Cheat, level: Level, worlds: Worlds) -> None:
    def hung(*_: object) -> None:
        raise TimeoutError(f"{one.name} has not ended after {_HUNG_S:.0f} s")

    before = signal.signal(signal.SIGALRM, hung)
    signal.setitimer(signal.ITIMER_REAL, _HUNG_S)
    try:
        done = worlds.prove(one, level)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    receipt = done.receipt
    assert not done.beyond, receipt.reason
    assert receipt.decision in one.expect, receipt.reason
    assert done.touched == ()


AS_NOBODY = (
    "a cache by value|takes the harness over through a frame|zero result|an exit in a timed call"
    "|TCP|a secret of the user|a file of the project|a write by a system call of its own|a daemon"
    "|a signal to the parent|a fork bomb|a thread bomb|fills the disk|a flood of output"
)


def test_a_part_of_them_as_a_normal_user(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Root keeps access to its own files and processes, which is another case than a user's."""
    if os.geteuid() != 0:
        pytest.skip("already a normal user: the other tests show it")
    python, setpriv = Path("/usr/bin/python3"), Path("/usr/bin/setpriv")
    if not (python.exists() and setpriv.exists()):
        pytest.skip("no /usr/bin/python3 and setpriv that a normal user could run")
    line = [str(setpriv), "--reuid=65534", "--regid=65534", "--clear-groups", str(python)]
    libraries = [p for p in sys.path if p.endswith("site-packages")]
    with tempfile.TemporaryDirectory() as name:
        os.chown(name, 65534, 65534)
        values = {
            "PYTHONPATH": os.pathsep.join([str(REPOSITORY), *libraries]),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PATH": "/usr/bin:/bin",
            "HOME": name,
            "TMPDIR": name,
        }

        def run(*arguments: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                [*line, *arguments],
                env=values,
                cwd="/",
                capture_output=True,
                text=True,
                check=False,
            )

        if run("-c", "import benchmark_runner.worker.supervisor, benchmarks.hostile").returncode:
            pytest.skip("a normal user can't import this repository with the system's python")
        done = run("-m", "benchmarks.hostile", "--only", AS_NOBODY)
    count = len([one for one in CHEATS if re.fullmatch(AS_NOBODY, one.name)])
    last = f"accepted beyond honest speed: 0 of {count * len(CONFINED)}; side effects: 0"
    assert done.stdout.splitlines()[-1:] == [last], done.stdout + done.stderr
    assert done.returncode == 0, done.stdout


@pytest.mark.skipif("L1" not in LEVELS, reason="the harness is hidden by the kernel's layers only")
def test_a_forger_who_reaches_the_harness_gains_nothing(
    worlds: Worlds, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if the first walls had a hole: the class list is left as it is (see harness.confine)."""
    name = "takes the harness over by all classes, when it is imported"
    [forger] = [one for one in CHEATS if one.name == name]
    longer = forger.inputs.replace("(1000, 1100,", "(21_000, 22_000,")
    forger = dataclasses.replace(forger, inputs=longer, expect=("refused",), honest=None)
    text = Path(harness.__file__).read_text().replace("    _hide(ctypes)\n", "")
    assert text != Path(harness.__file__).read_text()
    opened = tempfile.NamedTemporaryFile("w", suffix=".py")  # noqa: SIM115
    with opened as file:
        file.write(text)
        file.flush()
        monkeypatch.setattr(layout.harness, "__file__", file.name)
        layout._ask.cache_clear()
        done = worlds.prove(forger, "L1")
    layout._ask.cache_clear()
    assert done.receipt.decision == "refused"
    assert "does not show" in done.receipt.reason
    assert done.stage == "sealed"


def test_there_are_enough_of_them() -> None:
    assert len(CHEATS) >= 45
    assert len({one.name for one in CHEATS}) == len(CHEATS)
