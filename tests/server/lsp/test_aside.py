"""Half of a piece of work in a fork."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from analysis.rules import incremental
from analysis.rules.incremental import Lookout
from server.lsp.aside import aside

pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")

SLOW = """\
def f{n}(values):
    found = []
    for value in values:
        found.append(value + {n})
    return found, sorted(values)[0], freshname{n}


"""
TEXT = "".join(SLOW.format(n=n) for n in range(90))


def test_the_answer_comes_from_another_process_however_long_it_is() -> None:
    wait = aside(lambda: str(os.getpid()).encode() + b" " * 1_000_000)
    answer = wait()
    assert int(answer) != os.getpid()
    assert len(answer) > 1_000_000


def _fails() -> bytes:
    raise ValueError("no")


def _is_killed() -> bytes:
    os.kill(os.getpid(), signal.SIGKILL)
    return b""


@pytest.mark.parametrize("work", [_fails, _is_killed])
def test_a_half_that_dies_is_an_error(work: Callable[[], bytes]) -> None:
    with pytest.raises(OSError, match="the other half ended with"):
        aside(work)()


def test_no_process_and_no_descriptor_is_left() -> None:
    open_files = Path("/proc/self/fd")
    before = set(open_files.iterdir()) if open_files.exists() else set()
    child = int(aside(lambda: str(os.getpid()).encode())())
    with pytest.raises(ChildProcessError):
        os.waitpid(child, os.WNOHANG)
    if before:
        assert set(open_files.iterdir()) == before


def test_a_file_looked_at_in_two_halves_has_the_same_hints(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(incremental, "_WORTH_ASIDE", 1000)
    halves = Lookout("f.py", aside)
    found = halves.look(TEXT, None)
    assert found == Lookout("f.py").look(TEXT, None)
    assert {hint.rule for hint in found} >= {"sorted-first", "append-loop-comprehension"}
    halves.look(TEXT.replace("value + 7)", "value - 7)"), None)
    assert halves.looked == 1, "what the other half found is known here"
