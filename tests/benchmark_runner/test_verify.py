"""Whole proofs over real processes: gains of 3x and more, and candidates that cheat."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from analysis.errors import Cancelled
from analysis.progress import CancelToken
from benchmark_runner import receipt as receipts
from benchmark_runner.errors import WorkloadError
from benchmark_runner.receipt import Receipt
from benchmark_runner.verify import FunctionBench
from benchmark_runner.workload import FunctionWorkload, InputsFile, Version

PYTHON = Path(sys.executable)


@pytest.fixture(autouse=True)
def own_timing_lock(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Don't wait for other timings on this machine: nothing here depends on a quiet one."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))


def workload(
    folder: Path, before: str, inputs: str, function: str = "f", name: str = "mod.py"
) -> FunctionWorkload:
    """A module and an inputs file on disk, and the workload over them."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    before = dedent(before).lstrip("\n")
    path.write_text(before)
    given = path.parent / "given_inputs.py"
    body = f"def inputs():\n    return {inputs}\n" if "def inputs" not in inputs else inputs
    given.write_text(dedent(body).lstrip("\n"))
    return FunctionWorkload(path, function, Version.of({path: before}), InputsFile(given))


def prove(work: FunctionWorkload, after: str) -> Receipt:
    text = dedent(after).lstrip("\n")
    with FunctionBench(work, python=PYTHON, allow_unsandboxed=True) as bench:
        return bench.prove(Version.of({work.path: text}), origin="user")


SLOW = """
    def f(items, wanted):
        found = []
        for x in items:
            if x in wanted:
                found.append(x)
        return found
"""
FAST = """
    def f(items, wanted):
        known = set(wanted)
        return [x for x in items if x in known]
"""
LISTS = (
    "[((list(range(0, n, 2)), list(range(n // 2))), {}) for n in (300, 400, 500, 600, 350, 450)]"
)


def test_a_gain_is_proved_and_its_receipt_is_complete(tmp_path: Path) -> None:
    done = prove(workload(tmp_path, SLOW, LISTS), FAST)
    assert (done.decision, done.equality) == ("faster", "exact")
    assert done.ratio is not None
    assert done.ratio > 3
    assert done.interval is not None
    assert done.interval[0] < done.ratio < done.interval[1]
    assert done.slower_on == ()
    assert done.measurement is not None
    assert done.measurement.confirmed
    assert len(done.measurement.replicates) >= 4
    assert len(done.measurement.confirmation) == 3
    assert done.inputs.count == 6
    assert done.inputs.holdout
    assert done.environment.python_version == ".".join(map(str, sys.version_info[:3]))
    assert {stage.name for stage in done.stages} >= {"original", "equivalence", "timing"}
    assert done.verdict is not None
    assert len(done.verdict.hash_seeds) == 2
    again = receipts.from_json(json.loads(json.dumps(receipts.to_json(done))))
    assert again == done


def test_one_input_has_no_hold_out_and_says_so(tmp_path: Path) -> None:
    done = prove(workload(tmp_path, SLOW, "[((list(range(600)), list(range(300))), {})]"), FAST)
    assert done.decision == "faster"
    assert not done.inputs.holdout
    assert any("no hold-out" in note for note in done.notes)


def test_the_other_way_round_is_slower(tmp_path: Path) -> None:
    done = prove(workload(tmp_path, FAST, LISTS), SLOW)
    assert done.decision == "slower"
    assert done.ratio is not None
    assert done.ratio < 0.5
    assert done.slower_on == (0, 1, 2, 3, 4, 5)


def test_the_same_text_is_never_faster(tmp_path: Path) -> None:
    done = prove(workload(tmp_path, FAST, LISTS), FAST)
    assert done.decision in {"not faster", "inconclusive", "slower"}
    assert done.equality == "exact"


def test_slower_inputs_are_named(tmp_path: Path) -> None:
    small = "[(([], []), {}), ((list(range(900)), list(range(900))), {})]"
    after = """
        def f(items, wanted):
            known = set(range(2000)) & set(wanted)
            return [x for x in items if x in known]
    """
    done = prove(workload(tmp_path, SLOW, small), after)
    assert done.ratio is not None
    assert done.slower_on == (0,)


def test_different_behaviour_has_the_smallest_counterexample(tmp_path: Path) -> None:
    inputs = "[(([3, 1, 1], [1]), {}), (([1, 1], [1]), {}), (([2], [3]), {})]"
    after = "def f(items, wanted):\n    return sorted(set(items) & set(wanted))\n"
    done = prove(workload(tmp_path, SLOW, inputs), after)
    assert done.decision == "different"
    assert done.equality is None
    assert done.ratio is None
    found = done.counterexample
    assert found is not None
    assert found.input == 1
    assert "f(" in found.call
    assert found.call == "f([0, 0], [0])"
    assert "0, 0" in found.before
    assert found.before != found.after


def test_a_second_step_is_timed_against_the_first_and_compared_with_the_original(
    tmp_path: Path,
) -> None:
    work = workload(tmp_path, SLOW, LISTS)
    first = Version.of({work.path: dedent(FAST)})
    second = Version.of({work.path: dedent(FAST).replace("set(wanted)", "frozenset(wanted)")})
    wrong = Version.of({work.path: dedent(FAST).replace("if x in known", "if x")})
    with FunctionBench(work, python=PYTHON, allow_unsandboxed=True) as bench:
        assert bench.check(first, "rule").equality == "exact"
        assert bench.check(second, "rule").equality == "exact"
        quick = bench.measure(work.before, first)
        step = bench.prove(second, origin="rule", before=first)
        with pytest.raises(ValueError, match="equal to the original"):
            bench.measure(work.before, wrong)
        assert bench.prove(wrong, origin="rule", before=first).decision == "different"
    assert quick.accepted
    assert quick.confirmed is None
    assert quick.ratio > 3
    assert len(quick.inputs) == 3
    assert step.decision != "faster"
    assert step.equality == "exact"
    assert step.ratio is not None
    assert 0.5 < step.ratio < 2


# ---------------------------------------------------------------- refused versions


@pytest.mark.parametrize(
    ("after", "word"),
    [
        ("def f(items, wanted:\n    return []\n", "syntax"),
        (
            "import nowhere_to_be_found\ndef f(items, wanted):\n    return []\n",
            "nowhere_to_be_found",
        ),
        ("def g(items, wanted):\n    return []\n", "f"),
        ("raise RuntimeError('broken on purpose')\n", "broken on purpose"),
        ("import os\nos._exit(0)\n", "ended"),
    ],
)
def test_a_version_that_does_not_load_is_refused(tmp_path: Path, after: str, word: str) -> None:
    done = prove(workload(tmp_path, SLOW, LISTS), after)
    assert done.decision == "refused"
    assert word.lower() in done.reason.lower()
    assert done.ratio is None


def test_a_version_that_does_not_end_is_refused_with_both_times(tmp_path: Path) -> None:
    after = "def f(items, wanted):\n    while True:\n        pass\n"
    done = prove(workload(tmp_path, SLOW, "[(([1], [1]), {})]"), after)
    assert done.decision == "refused"
    assert "5" in done.reason
    assert "original" in done.reason


HEAVY = """
    def f(n):
        total = 0
        for i in range(n):
            total += i * i % 7
        return total
"""
NUMBERS = "[((n,), {}) for n in (8000, 9000, 10000, 11000, 12000, 13000)]"

CHEATS = {
    "memory by value": (
        """
        _seen = {}
        def f(n):
            if n not in _seen:
                total = 0
                for i in range(n):
                    total += i * i % 7
                _seen[n] = total
            return _seen[n]
        """,
        "state",
    ),
    "lru_cache": (
        """
        from functools import lru_cache
        @lru_cache(None)
        def f(n):
            total = 0
            for i in range(n):
                total += i * i % 7
            return total
        """,
        "state",
    ),
    "memory hidden in another module": (
        """
        import string
        def f(n):
            seen = string.__dict__.setdefault('_seen_by_f', {})
            if n not in seen:
                total = 0
                for i in range(n):
                    total += i * i % 7
                seen[n] = total
            return seen[n]
        """,
        "state",
    ),
    "work at import": (
        """
        from itertools import accumulate
        _TABLE = list(accumulate((i * i % 7 for i in range(400_000)), initial=0))
        def f(n):
            return _TABLE[n]
        """,
        "import",
    ),
    "answers for the given inputs": (
        """
        _TABLE = {n: sum(i * i % 7 for i in range(n)) for n in range(8000, 13001, 1000)}
        def f(n):
            if n in _TABLE:
                return _TABLE[n]
            total = 0
            for i in range(n):
                total += i * i % 7
            return total
        """,
        "given inputs",
    ),
    "right for the first calls only": (
        """
        import itertools
        _count = itertools.count()
        def f(n, _next=_count.__next__):
            if _next() > 40:
                return 0
            total = 0
            for i in range(n):
                total += i * i % 7
            return total
        """,
        "",
    ),
    "reads files that the original does not": (
        """
        def f(n):
            try:
                open('/etc/hostname').close()
            except OSError:
                pass
            total = 0
            for i in range(n):
                total += i * i % 7
            return total
        """,
        "file",
    ),
    "talks to the network": (
        """
        import socket
        def f(n):
            try:
                socket.create_connection(('127.0.0.1', 9), 0.01)
            except OSError:
                pass
            return sum(i * i % 7 for i in range(n))
        """,
        "network",
    ),
    "a result that is computed later": (
        """
        class Later(int):
            def __eq__(self, other):
                return True
            __hash__ = int.__hash__
        def f(n):
            return Later(n)
        """,
        "",
    ),
}


@pytest.mark.parametrize("name", sorted(CHEATS))
def test_a_cheat_is_not_called_faster(tmp_path: Path, name: str) -> None:
    after, word = CHEATS[name]
    done = prove(workload(tmp_path, HEAVY, NUMBERS), after)
    assert done.decision in {"refused", "different"}, done.reason
    assert word in done.reason


def test_work_left_to_a_thread_is_not_a_gain(tmp_path: Path) -> None:
    after = """
        import threading
        def _burn():
            for _ in range(10**9):
                pass
        def f(n):
            threading.Thread(target=_burn, daemon=True).start()
            total = 0
            for i in range(n):
                total += i * i % 7
            return total
    """
    done = prove(workload(tmp_path, HEAVY, NUMBERS), after)
    assert done.decision != "faster"


def test_without_a_sandbox_a_users_version_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = workload(tmp_path, SLOW, LISTS)
    with FunctionBench(work, python=PYTHON) as bench:
        monkeypatch.setattr(bench._comparer, "_level", "L0")
        done = bench.prove(Version.of({work.path: dedent(FAST)}), origin="user")
    assert done.decision == "refused"
    assert "--allow-unsandboxed" in done.reason


# ---------------------------------------------------------------- shapes of functions


def test_a_method_is_called_on_its_receiver(tmp_path: Path) -> None:
    before = """
        class Box:
            def __init__(self, items):
                self.items = items
            def total(self):
                out = 0
                for i in range(len(self.items)):
                    out = out + self.items[i] * 2
                return out
    """
    after = before.replace(
        "for i in range(len(self.items)):\n                    out = out + self.items[i] * 2",
        "out = 2 * sum(self.items)",
    )
    assert after != before
    inputs = """
        from mod import Box
        def inputs():
            for n in (2000, 3000):
                yield (Box(list(range(n))),), {}
    """
    done = prove(workload(tmp_path, before, inputs, function="Box.total"), after)
    assert (done.decision, done.equality) == ("faster", "exact")


def test_a_nested_function_is_proved_through_its_parent(tmp_path: Path) -> None:
    before = """
        def outer(items, wanted):
            def pick():
                return [x for x in items if x in wanted]
            return pick()
    """
    after = """
        def outer(items, wanted):
            def pick():
                known = set(wanted)
                return [x for x in items if x in known]
            return pick()
    """
    work = workload(tmp_path, before, LISTS, function="outer.<locals>.pick")
    done = prove(work, after)
    assert done.decision == "faster"
    assert done.called == "outer"
    assert done.function == "outer.<locals>.pick"


def test_neighbours_get_the_version_under_test(tmp_path: Path) -> None:
    package = tmp_path / "shop"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "neighbour.py").write_text(
        "from . import core\ndef factor():\n    return core.SCALE\n"
    )
    before = """
        SCALE = 3
        def f(items, wanted):
            from .neighbour import factor
            return [x * factor() for x in items if x in wanted]
    """
    after = """
        SCALE = 3
        def f(items, wanted):
            from .neighbour import factor
            known = set(wanted)
            scale = factor()
            return [x * scale for x in items if x in known]
    """
    work = workload(package, before, LISTS, name="core.py")
    assert prove(work, after).decision == "faster"
    other = prove(work, after.replace("SCALE = 3", "SCALE = 4"))
    assert other.decision == "different"


def test_an_async_function_is_proved(tmp_path: Path) -> None:
    before = SLOW.replace("def f", "async def f")
    after = FAST.replace("def f", "async def f")
    assert prove(workload(tmp_path, before, LISTS), after).decision == "faster"


def test_a_generator_function_is_proved(tmp_path: Path) -> None:
    before = """
        def f(items, wanted):
            for x in items:
                if x in wanted:
                    yield x
    """
    after = """
        def f(items, wanted):
            known = set(wanted)
            for x in items:
                if x in known:
                    yield x
    """
    assert prove(workload(tmp_path, before, LISTS), after).decision == "faster"


# ---------------------------------------------------------------- the original's own faults


@pytest.mark.parametrize(
    ("before", "inputs", "code", "word"),
    [
        (
            "import os\ndef f(x):\n    return os.urandom(8)\n",
            "[((1,), {})]",
            "nondeterministic",
            "result",
        ),
        (
            "count = 0\ndef f(x):\n    global count\n    count += 1\n    return count\n",
            "[((1,), {}), ((2,), {})]",
            "nondeterministic",
            "depend on the calls before",
        ),
        (
            "def f(x):\n    return x\n",
            "[((__import__('os').urandom(4),), {})]",
            "inputs-not-repeatable",
            "inputs are not repeatable",
        ),
        ("def f(x:\n", "[((1,), {})]", "original-failed", "f"),
        ("def f(x):\n    return x\n", "1 / 0", "inputs-failed", "ZeroDivisionError"),
        ("def f(x):\n    return x\n", "[]", "inputs-none", "inputs"),
    ],
)
def test_what_the_original_can_not_do_is_named(
    tmp_path: Path, before: str, inputs: str, code: str, word: str
) -> None:
    with (
        pytest.raises(WorkloadError) as caught,
        FunctionBench(workload(tmp_path, before, inputs), python=PYTHON) as bench,
    ):
        bench.prepare()
    assert caught.value.code == code
    assert word in caught.value.message
    assert caught.value.mend


SLEEPS = "import time\ndef f(x):\n    time.sleep(0.01)\n    return sum(range(x))\n"


def test_half_the_sleep_is_faster_by_the_wall_clock(tmp_path: Path) -> None:
    work = workload(tmp_path, SLEEPS, "[((1,), {}), ((2,), {})]")
    done = prove(work, SLEEPS.replace("0.01", "0.005"))
    assert done.decision == "faster", done.reason
    assert done.measurement is not None
    assert done.measurement.clock == "wall"
    assert any("the original waits for" in note for note in done.notes)


def test_computing_less_beside_the_same_sleep_is_no_gain(tmp_path: Path) -> None:
    work = workload(tmp_path, SLEEPS, "[((20_000,), {}), ((20_001,), {})]")
    done = prove(work, SLEEPS.replace("sum(range(x))", "x * (x - 1) // 2"))
    assert done.decision in ("not faster", "inconclusive"), done.reason
    assert done.measurement is not None
    assert done.measurement.clock == "wall"
    assert done.measurement.cpu_ratio is not None
    assert done.measurement.cpu_ratio > 1.5


def test_cancel_ends_a_proof(tmp_path: Path) -> None:
    token = CancelToken()
    work = workload(tmp_path, SLOW, LISTS)
    said: list[str] = []
    shares: list[float] = []

    def progress(message: str, share: float | None) -> None:
        said.append(message)
        shares.append(share or 0.0)
        if "timing" in message:
            token.cancel()

    with (
        FunctionBench(
            work, python=PYTHON, allow_unsandboxed=True, progress=progress, cancel=token
        ) as bench,
        pytest.raises(Cancelled),
    ):
        bench.prove(Version.of({work.path: dedent(FAST)}), origin="user")
    assert any("timing" in message for message in said)
    assert shares == sorted(shares)
    children = [task.read_text().split() for task in Path("/proc/self/task").glob("*/children")]
    assert not any(children)


def test_answers_that_depend_on_earlier_calls_are_compared_but_not_timed(tmp_path: Path) -> None:
    before = "count = 0\ndef f(x):\n    global count\n    count += x\n    return count\n"
    after = before.replace("count += x\n", "count = sum((count, x))\n")
    done = prove(workload(tmp_path, before, "[((n,), {}) for n in (1, 2, 3)]"), after)
    assert done.equality == "exact"
    assert done.decision == "inconclusive"
    assert "depend on the calls before" in done.reason
    assert any("2 sequences of calls" in note for note in done.notes)
