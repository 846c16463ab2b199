"""What a module writes while it is imported, in whole checks over real processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent

import pytest

from benchmark_runner.equality.imported import NUMBERS_LEFT_OUT
from benchmark_runner.errors import WorkloadError
from benchmark_runner.verify import FunctionBench
from benchmark_runner.workload import Version
from tests.benchmark_runner.test_verify import PYTHON, own_timing_lock, workload

__all__ = ["own_timing_lock"]
BODY = """
    def f(n):
        return sum([x for x in range(n)])
"""
LOGS = """
    import logging, time
    logging.basicConfig(level="INFO", format="%(asctime)s %(message)s")
    logging.info("took %d ns to make the table of 12", time.perf_counter_ns())
"""


REFUSED = "import: it writes other output than the original when it is imported"


@contextmanager
def bench(folder: Path, head: str) -> Iterator[tuple[FunctionBench, Callable[[str], Version]]]:
    """A bench over a module that starts so, and what makes a candidate that starts otherwise."""
    slow = dedent(BODY)
    work = workload(folder, dedent(head) + slow, "[((n,), {}) for n in range(5)]")

    def candidate(start: str) -> Version:
        text = dedent(start) + slow.replace("[x for x in range(n)]", "range(n)")
        return Version.of({work.path: text.lstrip("\n")})

    with FunctionBench(work, python=PYTHON, allow_unsandboxed=True) as made:
        yield made, candidate


def test_times_in_a_log_are_left_out(tmp_path: Path) -> None:
    with bench(tmp_path, LOGS) as (made, candidate):
        receipt = made.prove(candidate(LOGS), origin="user")
        assert receipt.equality is not None
        assert NUMBERS_LEFT_OUT in receipt.notes
        assert made.check(candidate(LOGS.replace("took", "lost")), "user").refused == REFUSED


def test_numbers_that_stay_are_compared(tmp_path: Path) -> None:
    with bench(tmp_path, "print('table of', 12)") as (made, candidate):
        receipt = made.prove(candidate("print('table of', 12)"), origin="user")
        assert receipt.equality is not None
        assert NUMBERS_LEFT_OUT not in receipt.notes
        assert made.check(candidate("print('table of', 13)"), "user").refused == REFUSED


def test_chance_at_import_is_told_of_the_original(tmp_path: Path) -> None:
    head = "import os\nprint(os.urandom(40).translate(bytes(97 + n % 26 for n in range(256))))"
    with bench(tmp_path, head) as (made, _), pytest.raises(WorkloadError) as caught:
        made.prepare()
    assert caught.value.code == "nondeterministic"
    assert "each time it is imported" in caught.value.message
