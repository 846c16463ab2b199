"""Candidates that try to get out or to lie, at every level that this machine has.

Nothing may be left outside the scratch folder at L1 and L2, and no lie may pass at any level.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent, indent

import pytest

from benchmark_runner.errors import CandidateFailed, WorkerDied
from benchmark_runner.receipt import Level
from benchmark_runner.sandbox.limits import Limits
from benchmark_runner.worker.harness import decode_plain, encode
from benchmark_runner.worker.supervisor import InputsPlan, Worker
from tests.benchmark_runner.workers import LEVELS, Project, parts

KERNEL = tuple(level for level in LEVELS if level != "L0")


@pytest.fixture(params=LEVELS)
def level(request: pytest.FixtureRequest) -> Level:
    found: Level = request.param
    return found


@pytest.fixture
def project(tmp_path: Path, level: Level) -> Project:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "pyproject.toml").write_text("")
    limits = Limits(call_s=8, load_s=5, batch_s=8, memory=300 << 20, file_bytes=8 << 20,
                    scratch_bytes=32 << 20)  # fmt: skip
    return Project(folder, level=level, limits=limits)


def attempt(project: Project, body: str, *, tripwire: bool = False) -> str:
    """What became of a body that returns "done": "done", the exception's type, or "died"."""
    project.write("mod.py", "def f():\n" + indent(dedent(body), "    ") + "\n    return 'done'\n")
    with project.worker(tripwire=tripwire) as worker:
        try:
            outcome = parts(worker, mode="light")["outcome"]
        except WorkerDied:
            return "died"
    return str(outcome[1])


class TestGettingOut:
    def test_network(self, project: Project) -> None:
        server = socket.create_server(("127.0.0.1", 0))
        server.settimeout(0.1)
        with contextlib.closing(server):
            port = server.getsockname()[1]
            body = f"import socket\nsocket.create_connection(('127.0.0.1', {port}), 1)"
            assert attempt(project, body) == "PermissionError"
            with pytest.raises(TimeoutError):
                server.accept()

    @pytest.mark.parametrize("family", ["AF_UNIX", "AF_INET6", "AF_NETLINK"])
    def test_other_sockets(self, project: Project, family: str) -> None:
        body = f"import socket\nsocket.socket(socket.{family}, socket.SOCK_DGRAM).bind(b'\\0x')"
        assert attempt(project, body) != "done"

    @pytest.mark.parametrize("name", ["mod.py", "new.txt", "../outside.txt"])
    def test_writes_outside(self, project: Project, name: str) -> None:
        text = "def f():\n    open(PATH, 'a').write('#')\n    return 'done'\n"
        path = project.folder / name
        project.write("mod.py", f"PATH = {str(path)!r}\n{text}")
        before = (project.folder / "mod.py").read_text()
        with project.worker() as worker:
            assert parts(worker, mode="light")["outcome"][0] == "raise"
        assert (project.folder / "mod.py").read_text() == before
        assert name == "mod.py" or not path.exists()

    def test_removing_renaming_and_modes(self, project: Project) -> None:
        kept = project.write("kept.txt", "x")
        kept.chmod(0o600)
        body = f"""
        import os
        done = []
        for act in (lambda p: os.remove(p), lambda p: os.rename(p, p + "2"),
                    lambda p: os.chmod(p, 0o777), lambda p: os.truncate(p, 0),
                    lambda p: os.utime(p, (1, 1)), lambda p: os.symlink(p, p + "3"),
                    lambda p: os.mkdir(p + "4")):
            try:
                act({str(kept)!r}); done.append(act)
            except OSError:
                pass
        if done: raise SystemError(len(done))
        """
        assert attempt(project, body) == "done"
        assert kept.read_text() == "x"
        assert kept.stat().st_mode & 0o777 == 0o600
        assert sorted(p.name for p in project.folder.iterdir() if p.name.startswith("kept")) == [
            "kept.txt"
        ]

    def test_a_secret_beside_the_project(self, project: Project, tmp_path: Path) -> None:
        if project.level == "L0":
            pytest.skip("level L0 can't hide files")
        key = tmp_path / ".ssh" / "id_rsa"
        key.parent.mkdir()
        key.write_text("secret")
        body = f"raise SystemError(open({str(key)!r}).read())"
        assert attempt(project, body) in ("PermissionError", "FileNotFoundError")
        listing = f"import os\nraise SystemError(os.listdir({str(tmp_path)!r}))"
        project.write("mod.py", "def f():\n" + indent(listing, "    "))
        with project.worker() as worker:
            seen = worker.observe(0, mode="light").payload
        assert b".ssh" not in seen

    def test_a_daemon_by_double_fork(self, project: Project, tmp_path: Path) -> None:
        mark = tmp_path / "alive"
        body = f"""
        import os, time
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                open({str(mark)!r}, "w").write("x")
                time.sleep(3)
            os._exit(0)
        """
        assert attempt(project, body) == "PermissionError"
        assert not mark.exists()

    @pytest.mark.parametrize(
        "call",
        [
            "os.system('touch {mark}') and 0",
            "subprocess.run(['touch', '{mark}'])",
            "os.execv('/usr/bin/touch', ['touch', '{mark}'])",
            "os.posix_spawn('/usr/bin/touch', ['touch', '{mark}'], {{}})",
        ],
    )
    def test_starting_programs(self, project: Project, tmp_path: Path, call: str) -> None:
        mark = tmp_path / "mark"
        code = call.format(mark=mark)
        body = f"import os, subprocess\nif {code}: pass"
        if "system" in call:
            body = f"import os\nif os.system('touch {mark}') != 0: raise PermissionError"
        assert attempt(project, body) in ("PermissionError", "died")
        assert not mark.exists()

    def test_signals_to_the_parent(self, project: Project) -> None:
        got: list[int] = []
        before = signal.signal(signal.SIGUSR1, lambda number, _: got.append(number))
        try:
            body = f"""
            import os
            for pid in ({os.getpid()}, os.getppid()):
                try: os.kill(pid, 10)
                except OSError: pass
            """
            attempt(project, body)
        finally:
            signal.signal(signal.SIGUSR1, before)
        assert got == []

    def test_memory_and_priority_of_the_parent(self, project: Project) -> None:
        if project.level == "L0":
            pytest.skip("level L0 can't stop system calls")
        nice = os.getpriority(os.PRIO_PROCESS, 0)
        body = f"""
        import os
        for pid in (os.getppid(), {os.getpid()}):
            for act in (lambda: open(f"/proc/{{pid}}/mem", "rb"),
                        lambda: open(f"/proc/{{pid}}/environ", "rb").read(1),
                        lambda: os.setpriority(0, pid, 19),
                        lambda: os.sched_setaffinity(pid, {{0}})):
                try:
                    act()
                except OSError:
                    continue
                raise SystemError(pid)
        """
        # In a pid namespace these numbers name nobody, or the worker itself.
        got = attempt(project, body)
        assert got == "done" or (project.level == "L2" and got == "SystemError")
        assert os.getpriority(os.PRIO_PROCESS, 0) == nice

    @pytest.mark.parametrize("call", ["ptrace", "mount", "bpf"])
    def test_calls_that_nothing_honest_makes_end_it(self, project: Project, call: str) -> None:
        if project.level == "L0":
            pytest.skip("level L0 can't stop system calls")
        from benchmark_runner.sandbox.seccomp import architecture

        known = architecture()
        assert known is not None
        body = f"import ctypes\nctypes.CDLL(None).syscall({known.numbers[call]}, 0, 0, 0, 0, 0)"
        assert attempt(project, body) == "died"


class TestUsingUp:
    def dies(self, project: Project, body: str, call_s: float = 8) -> WorkerDied:
        project.write("mod.py", "def f():\n" + indent(dedent(body), "    "))
        limits = dataclasses.replace(project.limits, call_s=call_s)
        with project.worker(tripwire=False, limits=limits) as worker:
            pid = worker.pid
            with pytest.raises(WorkerDied) as raised:
                worker.observe(0, mode="light")
        assert not Path(f"/proc/{pid}").exists()
        return raised.value

    def test_an_endless_loop(self, project: Project) -> None:
        assert self.dies(project, "while True: pass", 0.4).code == "timeout"

    def test_ignoring_every_signal(self, project: Project) -> None:
        body = """
        import signal
        for n in range(1, 64):
            try: signal.signal(n, signal.SIG_IGN)
            except (OSError, ValueError): pass
        while True: pass
        """
        assert self.dies(project, body, 0.4).code == "timeout"

    def test_a_memory_bomb(self, project: Project) -> None:
        body = "kept = []\nwhile True: kept.append(bytearray(b'x') * (1 << 20))"
        assert self.dies(project, body).code == "memory"

    def test_one_huge_allocation(self, project: Project) -> None:
        assert attempt(project, "bytearray(1 << 40)") == "MemoryError"

    def test_filling_the_disk(self, project: Project) -> None:
        body = """
        import os, itertools
        folder = os.environ["TMPDIR"]
        for n in itertools.count():
            with open(f"{folder}/{n}", "wb") as file: file.write(bytes(1 << 20))
        """
        project.write("mod.py", "def f():\n" + indent(dedent(body), "    "))
        with project.worker() as worker:
            with contextlib.suppress(WorkerDied):
                assert parts(worker, mode="light")["outcome"][1] == "OSError"
            scratch = worker.process.confinement.scratch
        assert not scratch.exists()

    def test_one_huge_file(self, project: Project) -> None:
        body = "import os\nopen(os.environ['TMPDIR'] + '/x', 'wb').write(bytes(64 << 20))"
        assert attempt(project, body) == "OSError"

    def test_endless_output(self, project: Project) -> None:
        assert attempt(project, "for _ in range(100): print('x' * (1 << 20))") in (
            "OSError",
            "died",
        )

    def test_a_fork_bomb(self, project: Project) -> None:
        assert attempt(project, "import os\nwhile True: os.fork()") == "PermissionError"

    def test_a_giant_result(self, project: Project) -> None:
        text = "def f():\n    x = 'y' * (1 << 20)\n    return [x] * 100_000\n"
        project.write("mod.py", text)
        # A list of the same string is small in memory and huge when written out.
        with project.worker() as worker, contextlib.suppress(WorkerDied):
            assert parts(worker, mode="light")["outcome"][0] == "unencodable"


HARNESS_PIPES = """
import os, stat
def pipes():
    found = []
    for n in range(3, 64):
        try:
            if stat.S_ISFIFO(os.fstat(n).st_mode): found.append(n)
        except OSError: pass
    return found
"""


class TestLying:
    def test_a_forged_frame(self, project: Project) -> None:
        project.write("mod.py", HARNESS_PIPES + dedent("""
        def f():
            for n in pipes():
                try: os.write(n, b"\\0\\0\\0\\0" + b"12345678" + b"k")
                except OSError: pass
        """))  # fmt: skip
        with project.worker() as worker, pytest.raises(WorkerDied) as raised:
            worker.observe(0, mode="light")
        assert raised.value.code == "protocol"

    def test_a_frame_with_the_right_nonce_and_one_more(self, project: Project) -> None:
        project.write("mod.py", HARNESS_PIPES + dedent("""
        import sys
        def f():
            frame = sys._getframe()
            while frame and "nonce" not in frame.f_locals: frame = frame.f_back
            nonce = frame.f_locals["nonce"]
            for n in pipes():
                try: os.write(n, b"\\0\\0\\0\\0" + nonce + b"k")
                except OSError: pass
        """))  # fmt: skip
        with project.worker(tripwire=False) as worker:
            worker.stage(0, 1)
            with pytest.raises(WorkerDied):  # the harness's own answer is one too many
                worker.run()
                worker.check([0])

    @pytest.mark.parametrize("code", [0, 1])
    def test_exit_is_never_success(self, project: Project, code: int) -> None:
        project.write("mod.py", f"import os\ndef f(): os._exit({code})\n")
        with project.worker() as worker:
            worker.stage(0, 1)
            with pytest.raises(WorkerDied) as raised:
                worker.run()
        assert raised.value.code == "ended"

    def test_exit_while_loading(self, project: Project) -> None:
        project.write("mod.py", "import os\nos._exit(0)\n")
        with Worker.start(project.spec()) as worker, pytest.raises(WorkerDied):
            worker.load()

    def test_a_patched_clock_changes_nothing(self, project: Project) -> None:
        text = """
        import time
        for name in ("perf_counter", "perf_counter_ns", "process_time", "monotonic"):
            setattr(time, name, lambda: 0)
        def f():
            total = 0
            for i in range(300_000): total += i
            return total
        """
        project.write("mod.py", text)
        with project.worker() as worker:
            worker.stage(0, 3)
            timing = worker.run()
        assert timing.cpu_s > 1e-3
        assert timing.wall_s > 1e-3

    def test_patched_builtins_and_modules_do_not_reach_the_harness(self, project: Project) -> None:
        text = """
        import builtins, os, struct
        def f():
            for name in ("len", "type", "id", "iter", "dict", "list", "tuple", "isinstance"):
                setattr(builtins, name, lambda *a, **k: 0)
            os.write = os.read = lambda *a: b""
            struct.Struct = struct.pack = None
            return [1, 2]
        """
        project.write("mod.py", text)
        with project.worker() as worker:
            seen = parts(worker, mode="light")
        assert seen["outcome"] == ("return", [1, 2])

    def test_tampering_with_the_harness_through_frames(self, project: Project) -> None:
        text = """
        import sys
        def f():
            frame = sys._getframe()
            while frame:
                if "core_digest" in frame.f_globals:
                    frame.f_globals["core_digest"] = lambda *a: b"0" * 16
                frame = frame.f_back
            return 1
        """
        project.write("mod.py", text)
        with project.worker(tripwire=False) as worker:
            honest = worker.observe(0, mode="light").core
            worker.stage(0, 2)
            worker.run()
            assert worker.check([1]) != (honest,)

    def test_equal_to_everything_is_equal_to_nothing_else(self, project: Project) -> None:
        text = """
        class Same(int):
            def __eq__(self, other): return True
            def __hash__(self): return 0
            def __reduce__(self): return int, (3,)
        def f(): return Same(4)
        """
        project.write("mod.py", text)
        with project.worker() as worker:
            payload = worker.observe(0, mode="light").payload
        with pytest.raises(ValueError, match="not a plain value"):
            decode_plain(payload)
        assert encode(("return", 3)) not in payload

    def test_work_put_off_until_nobody_looks(self, project: Project) -> None:
        text = """
        import threading
        def burn():
            while True: pass
        def f():
            threading.Thread(target=burn, daemon=True).start()
            return 1
        """
        project.write("mod.py", text)
        with project.worker() as worker:
            worker.stage(0, 1)
            worker.run()
            assert worker.idle(0.5) > 0.01

    def test_bytes_sent_while_nothing_was_asked(self, project: Project) -> None:
        text = HARNESS_PIPES + dedent("""
        import threading, time
        def late():
            time.sleep(0.1)
            for n in pipes():
                try: os.write(n, b"x")
                except OSError: pass
        def f():
            threading.Thread(target=late, daemon=True).start()
        """)
        project.write("mod.py", text)
        with project.worker() as worker:
            worker.stage(0, 1)
            worker.run()
            with pytest.raises(WorkerDied, match="nobody asked"):
                worker.idle(3)

    def test_lazy_results_do_their_work_inside_the_window(self, project: Project) -> None:
        text = """
        def f():
            def late():
                total = 0
                for i in range(300_000): total += i
                yield total
            return late()
        """
        project.write("mod.py", text)
        with project.worker() as worker:
            worker.stage(0, 1)
            assert worker.run().cpu_s > 1e-3


def test_input_files_are_confined_too(project: Project, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    project.write("mod.py", "def f(): return 1\n")
    plan = project.calls(f"open({str(mark)!r}, 'w')\ndef inputs(): yield (), {{}}\n")
    with Worker.start(project.spec(inputs=plan)) as worker, pytest.raises(Exception) as raised:
        worker.make_inputs()
    assert "PermissionError" in str(raised.value) or "Read-only" in str(raised.value)
    assert not mark.exists()


def test_stand_ins_are_confined_while_they_load(project: Project, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    project.write("mod.py", "def f(): return 1\n")
    stand_in = f"open({str(mark)!r}, 'w')\ndef f(): return 1\n"
    spec = project.spec(stand_in=stand_in, inputs=InputsPlan("values", values=()))
    with Worker.start(spec) as worker, pytest.raises(CandidateFailed):
        worker.load()
    assert not mark.exists()


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    threads = threading.active_count()
    yield
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    assert not children.exists() or children.read_text().split() == []
    # The spawner stays, the watchdog ends by itself.
    assert threading.active_count() <= threads + 2
