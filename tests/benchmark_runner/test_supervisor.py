"""The supervisor's side: frames, clocks, deaths, and that nothing is left behind."""

from __future__ import annotations

import gc
import os
import struct
import textwrap
import threading
from pathlib import Path

import pytest

from benchmark_runner.errors import InterpreterError, WorkerDied
from benchmark_runner.receipt import Level
from benchmark_runner.sandbox.limits import Limits
from benchmark_runner.worker.frames import Channel
from benchmark_runner.worker.harness import encode
from benchmark_runner.worker.supervisor import InputsPlan, Worker, WorkerSpec
from tests.benchmark_runner.workers import LEVELS, Project


@pytest.fixture(params=LEVELS)
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Project:
    (tmp_path / "pyproject.toml").write_text("")
    level: Level = request.param
    return Project(tmp_path, level=level)


class TestFrames:
    @pytest.fixture
    def pipes(self) -> tuple[Channel, int, int]:
        replies, replies_write = os.pipe()
        commands_read, commands = os.pipe()
        return Channel(replies, commands, cap=1000), commands_read, replies_write

    @staticmethod
    def answer(commands: int, replies: int, make: object) -> threading.Thread:
        """Read one request and answer with what `make` gives of its nonce."""

        def serve() -> None:
            head = os.read(commands, 13)
            os.write(replies, make(head[4:12]))  # type: ignore[operator]

        thread = threading.Thread(target=serve)
        thread.start()
        return thread

    @pytest.mark.parametrize(
        ("reply", "code"),
        [
            (lambda nonce: struct.pack("<I", 0) + b"x" * 8 + b"k", "protocol"),
            (lambda nonce: struct.pack("<I", 0) + nonce + b"?", "protocol"),
            (lambda nonce: struct.pack("<I", 1001) + nonce + b"k", "too-large"),
            (lambda nonce: struct.pack("<I", 0) + nonce + b"k" + b"!", "protocol"),
            (lambda nonce: struct.pack("<I", 9) + nonce + b"k" + b"short", "timeout"),
        ],
    )
    def test_anything_but_the_reply_is_a_death(
        self, pipes: tuple[Channel, int, int], reply: object, code: str
    ) -> None:
        channel, commands, replies = pipes
        thread = self.answer(commands, replies, reply)
        with pytest.raises(WorkerDied) as raised:
            channel.request(b"X", None, 0.5)
        thread.join()
        assert raised.value.code == code

    def test_the_reply(self, pipes: tuple[Channel, int, int]) -> None:
        channel, commands, replies = pipes
        body = encode({"a": 1})
        thread = self.answer(
            commands, replies, lambda nonce: struct.pack("<I", len(body)) + nonce + b"k" + body
        )
        assert channel.request(b"X", None, 5).body == body
        thread.join()

    def test_the_end_of_the_pipe(self, pipes: tuple[Channel, int, int]) -> None:
        channel, _, replies = pipes
        os.close(replies)
        with pytest.raises(WorkerDied) as raised:
            channel.request(b"X", None, 5)
        assert raised.value.code == "ended"

    def test_a_reader_that_never_reads(self, pipes: tuple[Channel, int, int]) -> None:
        channel, _, _ = pipes
        with pytest.raises(WorkerDied) as raised:
            channel.request(b"X", "x" * (1 << 20), 0.1)
        assert raised.value.code == "timeout"


class TestClocks:
    def test_the_cpu_clock_is_the_workers_own(self, project: Project) -> None:
        project.write(
            "mod.py", "def f():\n    n = 0\n    for i in range(10**6): n += i\n    return n\n"
        )
        with project.worker(tripwire=False) as worker:
            worker.stage(0, 2)
            before = worker.cpu_s()
            timing = worker.run()
            spent = worker.cpu_s() - before
        assert 0 < timing.cpu_s <= spent + 1e-9
        assert timing.cpu_s > 0.005

    def test_sleep_is_wall_and_not_cpu(self, project: Project) -> None:
        project.write("mod.py", "import time\ndef f(): time.sleep(0.1)\n")
        with project.worker() as worker:
            worker.stage(0, 1)
            timing = worker.run()
        assert timing.wall_s >= 0.1
        assert timing.cpu_s < timing.wall_s / 2

    def test_idle_uses_nothing(self, project: Project) -> None:
        project.write("mod.py", "def f(): pass\n")
        with project.worker() as worker:
            assert worker.idle(0.1) < 0.05


class TestEnding:
    def test_killed_from_another_thread(self, project: Project) -> None:
        project.write("mod.py", "def f():\n    while True: pass\n")
        with project.worker() as worker:
            killer = threading.Timer(0.2, worker.kill)
            killer.start()
            with pytest.raises(WorkerDied) as raised:
                worker.observe(0)
            killer.join()
        assert raised.value.code == "killed"

    def test_outlives_the_thread_that_started_it(self, project: Project) -> None:
        project.write("mod.py", "def f(): return 1\n")
        started: list[Worker] = []
        thread = threading.Thread(target=lambda: started.append(Worker.start(project.spec())))
        thread.start()
        thread.join()
        with started[0] as worker:
            worker.load()
            worker.make_inputs()
            assert worker.observe(0).kind == "plain"

    def test_nothing_is_left(self, project: Project) -> None:
        project.write("mod.py", "import os\ndef f(): open(os.environ['TMPDIR'] + '/x', 'w')\n")
        with project.worker():
            pass  # what is opened once for all workers
        descriptors = len(list(Path("/proc/self/fd").iterdir()))
        with project.worker() as worker:
            worker.observe(0)
            pid, scratch = worker.pid, worker.process.confinement.scratch
            popen = worker.process.popen.pid
        gc.collect()
        assert not Path(f"/proc/{pid}").exists()
        assert not Path(f"/proc/{popen}").exists()
        assert not scratch.exists()
        assert len(list(Path("/proc/self/fd").iterdir())) == descriptors

    def test_a_closed_worker_says_so(self, project: Project) -> None:
        project.write("mod.py", "def f(): pass\n")
        with project.worker() as worker:
            pass
        worker.close()
        with pytest.raises(WorkerDied, match="closed"):
            worker.observe(0)

    def test_standard_error_tells_why_it_died(self, project: Project) -> None:
        text = "import os\ndef f(): os.write(2, b'last words\\n'); os._exit(3)\n"
        project.write("mod.py", text)
        with project.worker() as worker, pytest.raises(WorkerDied, match="last words"):
            worker.observe(0)


class TestLargeState:
    """A project whose globals take longer to read than a call may take."""

    @pytest.fixture
    def spec(self, project: Project) -> WorkerSpec:
        text = """\
        class Cell:
            def __init__(self, value):
                self.value = [value]
        def f(hang):
            while hang: pass
            return 1
        """
        made = "".join(f"T{i} = [Cell(n) for n in range(2000)]\n" for i in range(8))
        project.write("mod.py", textwrap.dedent(text) + made)
        values = tuple(encode(((hang,), {})) for hang in (False, True))
        limits = Limits(call_s=0.1, load_s=60, batch_s=8)
        return project.spec(inputs=InputsPlan("values", values=values), limits=limits)

    def test_a_call_is_not_blamed_for_it(self, spec: WorkerSpec) -> None:
        with Worker.start(spec) as worker:
            worker.load()
            worker.make_inputs()
            worker.state()
            assert worker.observe(0).kind == "plain"

    def test_a_call_that_hangs_is_stopped(self, spec: WorkerSpec) -> None:
        with Worker.start(spec) as worker:
            worker.load()
            worker.make_inputs()
            worker.state()
            with pytest.raises(WorkerDied) as raised:
                worker.observe(1)
        assert raised.value.code == "timeout"


class TestEnvironment:
    def test_nothing_is_inherited(self, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SECRET_TOKEN", "hunter2")
        project.write(
            "mod.py", "import os, sys\ndef f(): return repr(dict(os.environ)), sys.argv\n"
        )
        with project.worker() as worker:
            payload = worker.observe(0).payload
        assert b"hunter2" not in payload
        assert b"SECRET" not in payload

    def test_hash_seeds_are_as_asked(self, project: Project) -> None:
        project.write("mod.py", "def f(): return hash('a')\n")
        cores = []
        for seed in (1, 1, 2):
            with project.worker(hash_seed=seed) as worker:
                cores.append(worker.observe(0).core)
        assert cores[0] == cores[1] != cores[2]

    def test_runs_in_the_folder_of_the_file(self, project: Project) -> None:
        project.write("data.txt", "x")
        project.write("mod.py", "def f(): return open('data.txt').read()\n")
        with project.worker() as worker:
            assert encode(("return", "x")) in worker.observe(0).payload

    def test_standard_input_is_empty(self, project: Project) -> None:
        project.write("mod.py", "import sys\ndef f(): return sys.stdin.read()\n")
        with project.worker() as worker:
            assert encode(("return", "")) in worker.observe(0).payload


class TestBatches:
    def test_each_call_has_fresh_arguments(self, project: Project) -> None:
        project.write("mod.py", "def f(x): x.append(len(x)); return x\n")
        values = (encode((([1, 2],), {})),)
        with project.worker(inputs=InputsPlan("values", values=values)) as worker:
            core = worker.observe(0).core
            worker.stage(0, 5)
            worker.run()
            assert set(worker.check(range(5))) == {core}
            worker.stage(0, 1)
            worker.run()
            assert worker.check([0]) == (core,)

    def test_a_wrong_answer_shows(self, project: Project) -> None:
        text = "N = 0\ndef f():\n    global N\n    N += 1\n    return 1 if N < 4 else 2\n"
        project.write("mod.py", text)
        with project.worker() as worker:
            core = worker.observe(0).core
            worker.stage(0, 4)
            worker.run()
            found = worker.check([0, 3])
        assert found[0] == core
        assert found[1] != core

    def test_raising_calls_are_timed_too(self, project: Project) -> None:
        project.write("mod.py", "def f(): raise ValueError('x')\n")
        with project.worker() as worker:
            core = worker.observe(0).core
            worker.stage(0, 3)
            worker.run()
            assert worker.check([2]) == (core,)

    def test_a_window_without_stage_is_harmless(self, project: Project) -> None:
        project.write("mod.py", "def f(): pass\n")
        with project.worker() as worker:
            assert worker.run().wall_s > 0


class TestSealed:
    @pytest.mark.parametrize(
        ("text", "library"),
        [
            ("async def f(): return 1\n", "asyncio"),
            ("def f():\n    import xml.dom.minidom\n    return 1\n", "xml.dom.minidom"),
        ],
    )
    def test_what_a_call_imports_is_told_and_can_be_there_before(
        self, project: Project, text: str, library: str
    ) -> None:
        """An import takes the time of many calls: its noise would hide what a call saves."""
        project.write("mod.py", text)
        told = []
        for libraries in ((), (library,)):
            with Worker.start(project.spec()) as worker:
                worker.load(libraries)
                told.append(worker.sealed([0, 0], ()))
        assert library in told[0].modules
        assert told[1].modules == ()
        assert told[0].digests == told[1].digests

    def test_a_library_finds_the_settings_that_a_version_makes_for_it(
        self, project: Project
    ) -> None:
        text = "import sys\nFIRST = 'pdb' not in sys.modules\ndef f(): return FIRST\n"
        project.write("mod.py", text)
        told = []
        for libraries in ((), ("pdb",)):
            with Worker.start(project.spec()) as worker:
                worker.load(libraries)
                told.append(worker.sealed([0], ()))
        assert told[0].digests == told[1].digests


def test_an_interpreter_that_is_none(tmp_path: Path) -> None:
    fake = tmp_path / "python"
    fake.write_text("#!/bin/sh\nexit 1\n")
    fake.chmod(0o755)
    project = Project(tmp_path, python=fake)
    with pytest.raises(InterpreterError):
        Worker.start(project.spec())
    project.python = tmp_path / "missing"
    with pytest.raises(InterpreterError, match="missing"):
        Worker.start(project.spec())
