"""Capturing what functions are called with, without changing what the program does."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmark_runner.errors import WorkloadError
from benchmark_runner.recording.record import Capture, capture_inputs, stored_capture
from benchmark_runner.worker import canonical
from benchmark_runner.worker.supervisor import InputsPlan
from tests.benchmark_runner.programs import WANTED, calls_in, python_of, write
from tests.benchmark_runner.workers import Project

OWN = Path(sys.executable)


def capture(
    folder: Path,
    *targets: str,
    python: Path = OWN,
    command: tuple[str, ...] = ("main.py",),
    **more: Any,
) -> dict[str, Capture]:
    """Captures by "file::qualname", of a program in the folder."""
    asked = [(folder / t.partition("::")[0], t.partition("::")[2]) for t in targets]
    found = capture_inputs(
        ["python", *command], folder, asked, folder / "captures", python=python, **more
    )
    return {f"{path.relative_to(folder)}::{name}": c for (path, name), c in found.items()}


PROGRAM = """
    import lib
    from lib import f, Shape, wrapped

    def local(xs, *, key=None):
        "A docstring."
        xs.append("changed later")
        return key

    if __name__ == "__main__":
        for i in range(3):
            f([i, "x"], b=i)
            local([i], key={"k": i})
        Shape(2).area(5)
        Shape.unit(7)
        Shape.named("n", 8)
        Shape(3).doubled()
        wrapped(11)
        lib.outer(4)
        assert f.__doc__ == "Doc." and f([1]) == 1, f.__doc__
        assert local.__doc__ == "A docstring."
"""

LIB = """
    import functools

    MISSING = object()

    def f(a, b=1, *rest, c=MISSING, **more):
        "Doc."
        a.append("changed later")
        return b

    class Shape:
        def __init__(self, side):
            self.side = side
        def area(self, factor):
            return self.side * factor
        @staticmethod
        def unit(x):
            return x
        @classmethod
        def named(cls, name, x):
            return cls(x)
        def doubled(self):
            return self.__times(2)
        def __times(self, factor, offset=0):
            return self.side * factor + offset

    def deco(g):
        @functools.wraps(g)
        def inner(*args):
            return g(*args)
        return inner

    @deco
    def wrapped(x):
        return x

    def outer(n):
        def inner(k):
            return k
        return inner(n)
"""


@pytest.mark.parametrize("version", WANTED)
def test_arguments_as_they_were_at_the_start(tmp_path: Path, version: str) -> None:
    write(tmp_path, main=PROGRAM, lib=LIB)
    found = capture(
        tmp_path, "lib.py::f", "main.py::local", "lib.py::Shape.unit", "lib.py::wrapped",
        "lib.py::outer.<locals>.inner", python=python_of(version),
    )  # fmt: skip
    assert calls_in(found["lib.py::f"].folder) == [
        (([0, "x"], 0), {}),
        (([1, "x"],), {}),
        (([2, "x"], 2), {}),
        (([1],), {}),
    ]
    assert calls_in(found["main.py::local"].folder)[1] == (([1],), {"key": {"k": 1}})
    assert calls_in(found["lib.py::Shape.unit"].folder) == [((7,), {})]
    assert calls_in(found["lib.py::wrapped"].folder) == [((11,), {})]
    assert calls_in(found["lib.py::outer.<locals>.inner"].folder) == [((4,), {})]


@pytest.mark.parametrize("version", WANTED)
def test_receivers_of_methods_are_kept(
    tmp_path: Path, version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, main=PROGRAM.replace("lib", "lib_m"), lib_m=LIB)
    found = capture(
        tmp_path, "lib_m.py::Shape.area", "lib_m.py::Shape.named", "lib_m.py::Shape.__times",
        python=python_of(version),
    )  # fmt: skip
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "lib_m", raising=False)
    (((receiver, factor), kwargs),) = calls_in(found["lib_m.py::Shape.area"].folder)
    assert (receiver.side, factor, kwargs) == (2, 5, {})
    (((kind, name, x), _),) = calls_in(found["lib_m.py::Shape.named"].folder)
    assert (kind.__name__, name, x) == ("Shape", "n", 8)
    (((receiver, factor), kwargs),) = calls_in(found["lib_m.py::Shape.__times"].folder)
    assert (receiver.side, factor, kwargs) == (3, 2, {})  # the default is not among the arguments


@pytest.mark.parametrize("version", WANTED)
def test_module_and_code_runs(tmp_path: Path, version: str) -> None:
    python = python_of(version)
    write(tmp_path, **{"pkg/__init__": "", "pkg/run": "def g(x):\n    return x\ng(5)\n"})
    found = capture(tmp_path, "pkg/run.py::g", python=python, command=("-m", "pkg.run"))
    assert calls_in(found["pkg/run.py::g"].folder) == [((5,), {})]
    manifest = json.loads((found["pkg/run.py::g"].folder / "manifest.json").read_text())
    assert manifest["main_module"] == "pkg.run"
    assert str(tmp_path) in manifest["sys_path"]
    code = ("-c", "import pkg.run; pkg.run.g(6)")
    found = capture(tmp_path, "pkg/run.py::g", python=python, command=code)
    assert calls_in(found["pkg/run.py::g"].folder) == [((5,), {}), ((6,), {})]


@pytest.mark.parametrize("version", WANTED)
def test_calls_of_itself_are_left_out(tmp_path: Path, version: str) -> None:
    write(
        tmp_path,
        main="""
        def down(n):
            return 0 if n == 0 else down(n - 1)
        for i in range(20, 60):
            down(i)
        """,
    )
    found = capture(tmp_path, "main.py::down", python=python_of(version))["main.py::down"]
    assert [args[0] for args, _ in calls_in(found.folder)] == list(range(20, 60))
    assert found.calls == sum(range(20, 60)) + 40


@pytest.mark.parametrize("version", ["3.9", "3.11", "3.12", "3.13"])
def test_one_outer_call_brings_a_few_inner_ones(tmp_path: Path, version: str) -> None:
    write(
        tmp_path,
        main="""
        def fib(n):
            return n if n < 2 else fib(n - 1) + fib(n - 2)
        fib(15)
        """,
    )
    found = capture(tmp_path, "main.py::fib", python=python_of(version))["main.py::fib"]
    kept = [args[0] for args, _ in calls_in(found.folder)]
    assert kept[0] == 15
    assert 2 <= len(kept) <= 10


@pytest.mark.parametrize("version", ["3.9", "3.13"])
def test_many_calls_are_spread_over_the_run(tmp_path: Path, version: str) -> None:
    write(
        tmp_path,
        main="""
        def f(n, xs):
            return n
        for i in range(5000):
            f(i, [0] * (2000 if i == 3333 else 3))
        """,
    )
    found = capture(tmp_path, "main.py::f", python=python_of(version))["main.py::f"]
    calls = calls_in(found.folder)
    numbers = [args[0] for args, _ in calls]
    assert numbers[:50] == list(range(50))
    assert 100 <= found.count <= 200
    assert max(numbers) > 4000
    assert 3333 in numbers, "the largest call"


def test_equal_calls_count_once(tmp_path: Path) -> None:
    write(tmp_path, main="def f(x):\n    return x\nfor i in range(100):\n    f(i % 4)\n")
    found = capture(tmp_path, "main.py::f")["main.py::f"]
    assert sorted(args[0] for args, _ in calls_in(found.folder)) == [0, 1, 2, 3]


@pytest.mark.parametrize("version", ["3.9", "3.13"])
def test_what_can_not_be_pickled_is_counted(tmp_path: Path, version: str) -> None:
    write(tmp_path, main="def f(xs):\n    return sum(xs)\nf(i for i in range(3))\nf([1])\n")
    found = capture(tmp_path, "main.py::f", python=python_of(version))["main.py::f"]
    assert (found.count, found.skipped) == (1, 1)
    assert found.reason is not None
    assert "generator" in found.reason


def test_bytes_are_bounded(tmp_path: Path) -> None:
    write(tmp_path, main="def f(s):\n    pass\nfor i in range(50):\n    f(str(i) * 1000)\n")
    found = capture(tmp_path, "main.py::f", max_bytes=20_000)["main.py::f"]
    assert 0 < (found.folder / "calls.bin").stat().st_size <= 20_000 + 8 * found.count
    assert found.skipped > 0


def test_function_that_is_not_called_says_so(tmp_path: Path) -> None:
    write(tmp_path, main="def f(x):\n    pass\n")
    found = capture(tmp_path, "main.py::f")["main.py::f"]
    assert found.count == 0
    assert found.reason is not None
    assert "not called" in found.reason


@pytest.mark.parametrize("version", ["3.9", "3.13"])
def test_hostile_arguments_do_not_reach_the_program(tmp_path: Path, version: str) -> None:
    write(
        tmp_path,
        main="""
        class Bad:
            def __reduce__(self):
                f(3)  # a call from inside the pickling
                raise KeyError("from reduce")
            def __getattr__(self, name):
                raise ZeroDivisionError
        def f(x):
            return x
        f(Bad())
        f(2)
        """,
    )
    found = capture(tmp_path, "main.py::f", python=python_of(version))["main.py::f"]
    assert calls_in(found.folder) == [((2,), {})]
    assert found.skipped == 1


@pytest.mark.parametrize("version", ["3.9", "3.12"])
def test_bytecode_of_the_user_is_not_touched(tmp_path: Path, version: str) -> None:
    python = python_of(version)
    write(tmp_path, main="import lib\nlib.f(1)\n", lib="def f(x):\n    return x\n")
    capture(tmp_path, "lib.py::f", python=python)
    for cached in tmp_path.glob("**/lib.*.pyc"):
        assert b"hasten" not in cached.read_bytes()


def test_failing_program_is_an_error_and_keeps_the_last_capture(tmp_path: Path) -> None:
    write(tmp_path, main="def f(x):\n    return x\nf(1)\n")
    capture(tmp_path, "main.py::f")
    write(tmp_path, main="def f(x):\n    return x\nf(2)\nraise ValueError('later')\n")
    with pytest.raises(WorkloadError, match="later") as caught:
        capture(tmp_path, "main.py::f")
    assert "capturing" in caught.value.message
    stored = stored_capture(tmp_path / "captures", tmp_path / "main.py", "f")
    assert stored is not None
    assert calls_in(stored.folder) == [((1,), {})]
    assert [p.name for p in (tmp_path / "captures").iterdir()] == [stored.folder.name]


UNNAMED = """
    import functools
    import threading
    import sys

    class Store:
        def __init__(self):
            self.lock = threading.Lock()
            self.again = threading.RLock()
            self.seen = []

    def scaled(factor):
        def by(x, plus=1):
            return x * factor + plus
        return by

    def f(change, store, keys, module):
        with store.lock:
            store.seen.append([change(x) for x in keys])
        return store.seen, module.__name__

    def g(items):
        return sum(items)

    if __name__ == "__main__":
        table = {1: "a", 2: "b"}
        f(lambda x: x + 1, Store(), table.keys(), sys)
        f(scaled(3), Store(), table.keys(), sys)
        f(functools.partial(scaled(5), plus=0), Store(), table.keys(), sys)
        g(x for x in (1, 2))
"""


def test_functions_without_a_name_locks_and_views_are_kept_and_made_anew(
    tmp_path: Path,
) -> None:
    write(tmp_path, main=UNNAMED)
    found = capture(tmp_path, "main.py::f", "main.py::g")
    kept = found["main.py::f"]
    assert (kept.count, kept.skipped) == (3, 0), kept.reason
    assert found["main.py::g"].count == 0
    assert "generator" in (found["main.py::g"].reason or "")
    project = Project(tmp_path, main="main.py")
    plan = InputsPlan("captured", path=kept.folder)
    with project.worker(inputs=plan) as worker:
        for index, seen in enumerate(([2, 3], [4, 7], [5, 10])):
            for _ in range(2):  # fresh arguments each time
                told = canonical.outcome_text(worker.observe(index).payload)
                assert told == f"returned ([{seen}], 'sys')"
