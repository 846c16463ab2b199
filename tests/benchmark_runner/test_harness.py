"""The worker's inside: loading stand-ins, inputs, observing, on every CPython that was found."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from benchmark_runner.errors import CandidateFailed, InputsFailed, WorkerDied
from benchmark_runner.worker.harness import decode_plain, encode
from benchmark_runner.worker.supervisor import InputsPlan, Worker
from tests.benchmark_runner.workers import Project, parts
from tests.pythons import interpreters

FOUND = interpreters()
WANTED = ("3.9", "3.10", "3.11", "3.12", "3.13")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "pyproject.toml").write_text("")
    return Project(tmp_path)


class TestEveryInterpreter:
    @pytest.fixture(params=WANTED)
    def python(self, request: pytest.FixtureRequest) -> Path:
        version: str = request.param
        if version not in FOUND:
            pytest.skip(f"no CPython {version} here; found: {', '.join(FOUND)}")
        return FOUND[version]

    def test_the_whole_way(self, project: Project, python: Path) -> None:
        project.python = python
        project.write(
            "mod.py",
            """
            import dataclasses, re, collections, decimal, fractions, datetime, enum, random

            COUNT = 0

            @dataclasses.dataclass
            class Item:
                name: str
                size: int = 0

                async def later(self):
                    return self.size

            def f(items, *, by):
                global COUNT
                COUNT += 1
                print("called", by)
                items.sort(key=lambda x: x.size)
                return [collections.Counter("aab"), decimal.Decimal("1.5"), re.compile("a"),
                        datetime.timedelta(1), (x for x in items), fractions.Fraction(1, 2)]
            """,
        )
        inputs = project.calls(
            """
            from mod import Item
            def inputs():
                for n in range(3):
                    yield ([Item("b", 2), Item("a", n)],), {"by": n}
            """
        )
        with project.worker(inputs=inputs) as worker:
            seen = worker.observe(1)
            assert (seen.kind, seen.lazy) == ("plain", True)
            assert b"mod.Item" in seen.payload
            worker.stage(1, 4, encode=True)
            assert worker.run().cpu_s > 0
            assert worker.check([0, 3]) == (seen.core, seen.core)
        with project.worker("Item.later", inputs=project.calls(
            "from mod import Item\ndef inputs(): yield (Item('a', 5),), {}\n"
        )) as worker:  # fmt: skip
            assert worker.observe(0).kind == "coroutine"

    def test_encoding_is_the_same_everywhere(self, project: Project, python: Path) -> None:
        project.python = python
        project.write(
            "mod.py",
            """
            import collections, datetime
            def f():
                return [1, 2**80, 1.5, {"a": {3, 4}}, datetime.date(2020, 1, 2), "\\ud800",
                        collections.OrderedDict(a=1), collections.deque([1], 2), (x for x in "ab")]
            """,
        )
        import collections
        import datetime

        value = [
            1, 2**80, 1.5, {"a": {3, 4}}, datetime.date(2020, 1, 2), "\ud800",
            collections.OrderedDict(a=1), collections.deque([1], 2), (x for x in "ab"),
        ]  # fmt: skip
        with project.worker() as worker:
            assert encode(value)[5:] in worker.observe(0).payload


class TestLoading:
    def test_neighbours_get_the_version_under_test(self, project: Project) -> None:
        project.main = "pkg/core.py"
        project.write("pkg/__init__.py", "")
        project.write("pkg/core.py", "def f(): return 'disk'\n")
        project.write("pkg/user.py", "from .core import helper\n")
        stand_in = """
        import inspect
        def helper(): return 'stand-in'
        def f():
            from pkg.user import helper as other
            return other(), __name__, __package__, inspect.getsource(helper)
        """
        with project.worker(stand_in=stand_in) as worker:
            got = parts(worker)["outcome"][1]
        assert got == ("stand-in", "pkg.core", "pkg", "def helper(): return 'stand-in'\n")

    def test_src_layout_and_project_root_are_importable(self, project: Project) -> None:
        project.main = "tools/mod.py"
        project.write("src/lib/__init__.py", "A = 1\n")
        project.write("other.py", "B = 2\n")
        project.write("tools/mod.py", "import lib, other\ndef f(): return lib.A + other.B\n")
        with project.worker() as worker:
            assert parts(worker)["outcome"] == ("return", 3)

    def test_relative_import_without_init(self, project: Project) -> None:
        project.main = "ns/mod.py"
        project.write("ns/near.py", "A = 1\n")
        project.write("ns/mod.py", "from . import near\ndef f(): return near.A, __name__\n")
        with project.worker() as worker:
            assert parts(worker)["outcome"] == ("return", (1, "ns.mod"))

    def test_a_file_named_like_a_loaded_module(self, project: Project) -> None:
        project.main = "warnings.py"
        project.write("warnings.py", "def f(): return 'mine'\n")
        with project.worker() as worker:
            assert parts(worker)["outcome"] == ("return", "mine")

    def test_no_bytecode_is_written_or_read(self, project: Project) -> None:
        project.write("near.py", "A = 1\n")
        project.write("mod.py", "import near\ndef f(): return near.A\n")
        with project.worker():
            pass
        assert not list(project.folder.rglob("*.pyc"))

    @pytest.mark.parametrize(
        ("text", "called", "stage", "says"),
        [
            ("def f(:\n", "f", "import", "line 1"),
            ("x = 1\n\n1 / 0\n", "f", "import", "ZeroDivisionError: division by zero (mod.py, li"),
            ("import no_such_thing\n", "f", "import", "no_such_thing"),
            ("raise SystemExit(0)\n", "f", "import", "SystemExit"),
            ("def g(): pass\n", "f", "lookup", "no 'f'"),
            ("class A: pass\n", "A.f", "lookup", "no 'f'"),
            ("f = 3\n", "f", "lookup", "can't be called"),
        ],
    )
    def test_failures_name_the_place(
        self, project: Project, text: str, called: str, stage: str, says: str
    ) -> None:
        project.write("mod.py", text)
        with Worker.start(project.spec(called)) as worker, pytest.raises(CandidateFailed) as raised:
            worker.load()
        assert raised.value.stage == stage
        assert says in raised.value.message


METHODS = """
class A:
    def __init__(self, x): self.x = x
    def plain(self, y): self.x += y; return self.x
    @staticmethod
    def static(y): return y
    @classmethod
    def made(cls, x): return cls(x).x, cls.__name__
    @property
    def prop(self): return self.x * 10
    def __private(self, y): return self.x + y
class B(A): pass
class _Hidden:
    @staticmethod
    def __both__(y): return -y
    @staticmethod
    def __one(y): return y
"""


@pytest.mark.parametrize(
    ("called", "call", "result"),
    [
        ("A.plain", "(A(1), 2), {}", 3),
        ("A.static", "(5,), {}", 5),
        ("A.made", "(7,), {}", (7, "A")),
        ("A.made", "(B, 7), {}", (7, "B")),
        ("A.prop", "(A(2),), {}", 20),
        ("A.__private", "(A(2), 3), {}", 5),
        ("_Hidden.__one", "(3,), {}", 3),
        ("_Hidden.__both__", "(3,), {}", -3),
    ],
)
def test_kinds_of_methods(project: Project, called: str, call: str, result: Any) -> None:
    project.write("mod.py", METHODS)
    inputs = project.calls(f"from mod import A, B\ndef inputs(): yield {call}\n")
    with project.worker(called, inputs=inputs) as worker:
        seen = worker.observe(0).payload
        assert encode(("return", result)) in seen
        worker.stage(0, 2)
        worker.run()
        assert len(set(worker.check([0, 1]))) == 1  # the receiver is a fresh copy each time


class TestInputs:
    def test_limits_of_number_and_count(self, project: Project) -> None:
        project.write("mod.py", "def f(n): return n\n")
        plan = project.calls("def inputs():\n    n = 0\n    while 1: yield (n,), {}; n += 1\n")
        with Worker.start(project.spec(inputs=plan)) as worker:
            worker.load()
            assert len(worker.make_inputs()) == 200
        exact = InputsPlan("file", path=plan.path, count=7)
        with Worker.start(project.spec(inputs=exact)) as worker:
            worker.load()
            infos = worker.make_inputs()
        assert [info.call for info in infos] == [str(n) for n in range(7)]

    def test_fixed_seeds_make_them_repeatable(self, project: Project) -> None:
        project.write("mod.py", "def f(n): return n\n")
        plan = project.calls(
            "import random\nx = random.random()\ndef inputs(): yield (x, random.random()), {}\n"
        )
        digests = set()
        for seed in (0, 1):
            with Worker.start(project.spec(inputs=plan, hash_seed=seed)) as worker:
                worker.load()
                digests.add(worker.make_inputs()[0].digest)
        assert len(digests) == 1

    @pytest.mark.parametrize(
        ("body", "says"),
        [
            ("yield 5", "item 0 of inputs() is 5"),
            ("yield (1,), {}\n    yield (1, {})", "args of item 1 is 1"),
            ("yield (1,), [2]", "kwargs of item 0 is [2]"),
            ("yield (1,), {1: 2}", "kwargs of item 0"),
            ("raise ValueError('no')", "ValueError: no (calls.py, line 2)"),
            ("import nowhere", "nowhere"),
        ],
    )
    def test_malformed_items_are_named(self, project: Project, body: str, says: str) -> None:
        project.write("mod.py", "def f(n): return n\n")
        plan = project.calls(f"def inputs():\n    {body}\n")
        with Worker.start(project.spec(inputs=plan)) as worker:
            worker.load()
            with pytest.raises(InputsFailed) as raised:
                worker.make_inputs()
        assert says in raised.value.message

    def test_a_file_without_inputs(self, project: Project) -> None:
        project.write("mod.py", "def f(n): return n\n")
        plan = project.calls("x = 1\n")
        with (
            Worker.start(project.spec(inputs=plan)) as worker,
            pytest.raises(InputsFailed, match="defines no inputs"),
        ):
            worker.make_inputs()

    def test_generators_and_unpicklable_arguments_are_made_afresh(self, project: Project) -> None:
        project.write("mod.py", "def f(items, key): return [key(x) for x in items]\n")
        plan = project.calls(
            "def inputs():\n    for n in (2, 3): yield ((x for x in range(n)), lambda x: -x), {}\n"
        )
        with project.worker(inputs=plan) as worker:
            first, again = worker.observe(1), worker.observe(1)
            assert decode_plain(encode([0, -1, -2]))  # the value that both must hold
            assert encode(("return", [0, -1, -2])) in first.payload
            assert first.core == again.core

    def test_captured_calls(self, project: Project) -> None:
        project.write("mod.py", "class P:\n    pass\ndef f(p, n): return type(p) is P, n\n")
        folder = project.folder / "captured"
        folder.mkdir()
        # What a recorder writes of a run of `python mod.py`: the class lies in __main__.
        blob = b"".join(
            b"\x80\x04\x8c\x08__main__\x8c\x01P\x93)\x81K" + bytes([n]) + b"\x86}\x86."
            for n in (5, 6)
            for _ in (0,)
        )
        single = len(blob) // 2
        calls = [blob[:single], blob[single:]]
        data = b"".join(len(c).to_bytes(8, "little") + c for c in calls)
        (folder / "calls.bin").write_bytes(data)
        (folder / "manifest.json").write_text(json.dumps({"main_path": None, "sys_path": []}))
        with project.worker(inputs=InputsPlan("captured", path=folder)) as worker:
            assert parts_of_outcome(worker, 1) == ("return", (True, 6))

    def test_a_captured_pickle_never_runs_in_this_process(self, project: Project) -> None:
        project.write("mod.py", "def f(n): return n\n")
        folder = project.folder / "captured"
        folder.mkdir()

        class Bomb:
            def __reduce__(self) -> Any:
                return (exec, ("raise SystemError('pickled code ran')",))

        blob = pickle.dumps(((Bomb(),), {}))
        (folder / "calls.bin").write_bytes(len(blob).to_bytes(8, "little") + blob)
        (folder / "manifest.json").write_text("{}")
        spec = project.spec(inputs=InputsPlan("captured", path=folder))
        with Worker.start(spec) as worker, pytest.raises(InputsFailed, match="pickled code ran"):
            worker.make_inputs()


def parts_of_outcome(worker: Worker, i: int) -> Any:
    payload = worker.observe(i, mode="light").payload
    start = payload.index(b"outcome") + len(b"outcome")
    end = payload.index(encode("arguments"))
    return decode_plain(payload[start:end])


class TestObserving:
    def observed(self, project: Project, text: str, mode: Any = "full") -> dict[str, Any]:
        project.write("mod.py", text)
        with project.worker() as worker:
            return parts(worker, mode=mode)

    def test_output(self, project: Project) -> None:
        text = "import os, sys\ndef f(): print('a'); os.write(1, b'b'); sys.stderr.write('c')\n"
        assert sorted(self.observed(project, text)["output"][0]) == ["\n", "a", "b"]

    def test_exception_with_its_text(self, project: Project) -> None:
        got = self.observed(project, "def f(): raise KeyError('x')\n")["outcome"]
        assert got == ("raise", "KeyError", ("x",), "'x'", None, None)

    def test_globals_that_changed(self, project: Project) -> None:
        text = "A = [1]\nB = 2\ndef f():\n    A.append(3)\n    f.calls = 1\n"
        got = self.observed(project, text)["globals"]
        assert got == {"mod:A": [1, 3], "mod:f": {"calls": 1}}

    def test_random_state(self, project: Project) -> None:
        with_draw = self.observed(project, "import random\ndef f(): random.random()\n")
        without = self.observed(project, "import random\ndef f(): pass\n")
        assert set(with_draw["rng"]) == {"random"}
        assert without["rng"] == {}

    def test_warnings(self, project: Project) -> None:
        got = self.observed(project, "import warnings\ndef f(): warnings.warn('old')\n")
        assert got["warnings"] == [("UserWarning", "old")]

    def test_settings_of_the_process(self, project: Project) -> None:
        got = self.observed(project, "import gc, sys\ndef f(): gc.disable()\n")["process"]
        assert got == {"gc enabled": False}

    def test_iterators_are_run_with_their_errors(self, project: Project) -> None:
        got = self.observed(project, "def f():\n    yield 1\n    raise ValueError('late')\n")
        assert got["outcome"] == (
            "iterator", "generator", [1], ("raise", "ValueError", ("late",), "late"),
        )  # fmt: skip

    def test_an_iterator_closed_early(self, project: Project) -> None:
        text = "def f():\n    try:\n        yield 1\n        yield 2\n    finally: print('end')\n"
        got = self.observed(project, text, mode="partial")
        assert (got["outcome"][2], got["output"][0]) == ([1], "end\n")

    def test_a_second_call_shows_who_holds_the_first_result(self, project: Project) -> None:
        kept = self.observed(project, "KEPT = []\ndef f(): return KEPT\n", mode="twice")
        fresh = self.observed(project, "def f(): return []\n", mode="twice")
        assert (kept["outcome"], fresh["outcome"]) == (("return", [0]), ("return", []))

    def test_state_names_what_is_kept(self, project: Project) -> None:
        project.write(
            "mod.py",
            """
            import functools
            @functools.lru_cache(None)
            def g(n): return n
            class C: seen = 0
            def h(n, memo={}): memo[n] = 1
            def outer():
                kept = []
                return lambda n: kept.append(n)
            inner = outer()
            def f(): g(1); h(1); inner(1); C.seen += 1; return 5
            """,
        )
        with project.worker() as worker:
            before = decode_plain(worker.state())
            assert decode_plain(worker.state()) == before
            worker.observe(0, mode="light")
            after = decode_plain(worker.state())
        changed = {name for name in after if after[name] != before.get(name)}
        assert {"mod:C", "mod:g", "mod:h", "mod:inner"} <= changed
        assert not {name for name in changed if not name.startswith("mod:")}

    def test_what_changed_is_told_of_the_call_that_changed_it(self, project: Project) -> None:
        project.write("mod.py", "N = 0\ndef f():\n    global N\n    N += 1\n")
        with project.worker() as worker:
            told = [parts(worker)["globals"], parts(worker)["globals"]]
            parts(worker, mode="light")
            worker.stage(0, 1)
            worker.run()
            told.append(parts(worker)["globals"])
        assert told == [{"mod:N": 1}, {"mod:N": 2}, {"mod:N": 5}]

    def test_items_of_an_iterator_in_the_result_are_not_told_of_the_next(
        self, project: Project
    ) -> None:
        text = """
            N = 0
            def count():
                global N
                N += 1
                return N
            def f(): return [map(lambda _: count(), "ab")]
            """
        project.write("mod.py", text)
        with project.worker() as worker:
            seen = [worker.observe(0).payload, worker.observe(0).payload]
        assert [b"mod:N" in payload for payload in seen] == [False, False]

    def test_a_module_that_a_call_imports_is_read_from_the_next_call_on(
        self, project: Project
    ) -> None:
        project.write("other.py", "N = 0\n")
        project.write("mod.py", "def f():\n    import other\n    other.N += 1\n")
        with project.worker() as worker:
            assert [parts(worker)["globals"], parts(worker)["globals"]] == [{}, {"other:N": 2}]

    def test_large_results_are_told_by_digest(self, project: Project) -> None:
        project.write("mod.py", "def f(): return bytes(20_000_000)\n")
        with project.worker() as worker:
            first, second = worker.observe(0), worker.observe(0)
        assert first.payload == second.payload
        assert len(first.payload) < 1000

    def test_deep_results_and_recursion_limit(self, project: Project) -> None:
        text = "def f():\n    x = []\n    for _ in range(50_000): x = [x]\n    return x\n"
        project.write("mod.py", text)
        with project.worker() as worker:
            assert worker.observe(0).payload.count(b"l\x01") == 50_000


class TestTripwire:
    @pytest.mark.parametrize(
        ("body", "kind"),
        [
            ("import socket; socket.socket()", "network"),
            ("open('/etc/hasten', 'w')", "write"),
            ("open('/home/someone/.ssh/id_rsa')", "read"),
            ("import os; os.fork()", "process"),
            ("import os; os.system('true')", "process"),
            ("import os; os.kill(os.getppid(), 0)", "kill"),
            ("import gc; gc.get_objects()", "introspection"),
            ("import sys; sys._getframe(1)", "introspection"),
            ("import inspect; inspect.stack()", "introspection"),
            ("import ctypes; ctypes.CDLL('libc.so.6')", "ctypes"),
        ],
    )
    def test_attempts_are_noted_even_when_swallowed(
        self, project: Project, body: str, kind: str
    ) -> None:
        project.write("mod.py", f"def f():\n    try:\n        {body}\n    except OSError: pass\n")
        with project.worker() as worker:
            kinds = {found for found, _ in worker.observe(0).attempts}
        assert kind in kinds

    def test_honest_work_leaves_none(self, project: Project) -> None:
        project.write("data.txt", "x")
        project.write(
            "mod.py",
            """
            import asyncio, collections, json, tempfile, pathlib, threading
            def f():
                collections.namedtuple("N", "a b")
                with tempfile.TemporaryFile() as file:
                    file.write(b"x")
                t = threading.Thread(target=print); t.start(); t.join()
                asyncio.run(asyncio.sleep(0))
                return pathlib.Path(__file__).with_name("data.txt").read_text()
            """,
        )
        with project.worker() as worker:
            seen = worker.observe(0)
        assert encode(("return", "x")) in seen.payload
        assert seen.attempts == ()


def test_a_harness_error_is_a_death_not_a_verdict(project: Project) -> None:
    project.write("mod.py", "def f(): return 1\n")
    with project.worker() as worker, pytest.raises(WorkerDied, match="harness"):
        worker.observe(99)
