"""The probe, the policy, the filter for both architectures, and whole programs in the sandbox."""

from __future__ import annotations

import dataclasses
import os
import struct
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from analysis.errors import Cancelled
from analysis.progress import CancelToken
from benchmark_runner.receipt import Level
from benchmark_runner.sandbox import landlock, seccomp
from benchmark_runner.sandbox.bwrap import read_pid
from benchmark_runner.sandbox.files import remove_folder
from benchmark_runner.sandbox.layout import layout_of
from benchmark_runner.sandbox.leftovers import PREFIX, sweep
from benchmark_runner.sandbox.limits import Limits
from benchmark_runner.sandbox.needs import needs
from benchmark_runner.sandbox.policy import Sandbox, environment, project_paths
from benchmark_runner.sandbox.probe import not_allowed, probe
from benchmark_runner.sandbox.program import ProgramRun, run_program
from benchmark_runner.sandbox.scope import Scope, find_scope
from benchmark_runner.worker import harness
from benchmark_runner.worker.supervisor import InputsPlan
from tests.benchmark_runner.workers import LEVELS, Project

REPOSITORY = Path(__file__).parents[2]


class TestProbe:
    def ask(self, **environment: str) -> str:
        script = "from benchmark_runner.sandbox.probe import probe; p = probe(); print(p.level, p.possible, len(p.missing) == len(p.mends), *p.missing)"  # noqa: E501
        done = subprocess.run(
            [sys.executable, "-c", script],
            cwd=REPOSITORY,
            env={"PATH": os.environ["PATH"], **environment},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def test_is_found_once_by_doing_it(self) -> None:
        assert probe() is probe()
        assert probe().level in LEVELS

    @pytest.mark.parametrize("level", LEVELS)
    def test_lowered_by_the_environment(self, level: Level) -> None:
        assert self.ask(HASTEN_SANDBOX=level).startswith(f"{level} {LEVELS[-1]} True")

    def test_never_raised_by_the_environment(self) -> None:
        assert self.ask(HASTEN_SANDBOX="L3").startswith(f"{LEVELS[-1]} {LEVELS[-1]}")

    def test_without_bubblewrap_says_what_to_install(self, tmp_path: Path) -> None:
        if LEVELS[-1] == "L0":
            pytest.skip("this machine has neither Landlock nor seccomp")
        told = self.ask(PATH=str(tmp_path))
        assert told.startswith("L1 L1 True")
        assert "bubblewrap" in told

    def test_a_bubblewrap_that_fails_is_none(self, tmp_path: Path) -> None:
        if LEVELS[-1] == "L0":
            pytest.skip("this machine has neither Landlock nor seccomp")
        fake = tmp_path / "bwrap"
        fake.write_text("#!/bin/sh\necho 'setting up uid map: Permission denied' >&2\nexit 1\n")
        fake.chmod(0o755)
        told = self.ask(PATH=f"{tmp_path}:/usr/bin:/bin")
        assert told.startswith("L1 L1 True")
        assert "uid map" in told


def run_filter(program: bytes, number: int, audit: int, *arguments: int) -> int:
    """What the filter returns for a system call: an interpreter of the few instructions used."""
    data = struct.pack("<IIQ6Q", number, audit, 0, *arguments, *[0] * (6 - len(arguments)))
    code = [struct.unpack_from("<HBBI", program, at) for at in range(0, len(program), 8)]
    at = accumulator = 0
    while True:
        operation, yes, no, value = code[at]
        at += 1
        if operation == 0x20:
            accumulator = struct.unpack_from("<I", data, value)[0]
        elif operation == 0x06:
            return int(value)
        else:
            holds = {
                0x15: accumulator == value,
                0x35: accumulator >= value,
                0x45: bool(accumulator & value),
            }[operation]
            at += yes if holds else no


ALLOW, KILL, EPERM, ENOSYS = 0x7FFF0000, 0x80000000, 0x00050001, 0x00050026


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
class TestFilter:
    def result(
        self, machine: str, name: str, *arguments: int, policy: seccomp.Policy = "worker"
    ) -> int:
        known = seccomp.architecture(machine)
        assert known is not None
        program = seccomp.assemble(policy, 77, machine, signals=policy == "program")
        return run_filter(program, known.numbers[name], known.audit, *arguments)

    @pytest.mark.parametrize("name", ["socket", "connect", "execve", "setpriority", "keyctl"])
    def test_denied(self, machine: str, name: str) -> None:
        assert self.result(machine, name) == EPERM

    @pytest.mark.parametrize("name", ["ptrace", "mount", "bpf", "process_vm_writev", "setns"])
    def test_ended(self, machine: str, name: str) -> None:
        assert self.result(machine, name) == KILL

    def test_threads_but_no_processes(self, machine: str) -> None:
        assert self.result(machine, "clone", 0x3D0F00) == ALLOW
        assert self.result(machine, "clone", 0x1200011) == EPERM
        assert self.result(machine, "clone", 0x3D0F00 | 0x10000000) == EPERM
        assert self.result(machine, "clone3") == ENOSYS

    def test_signals_to_itself_only(self, machine: str) -> None:
        assert self.result(machine, "kill", 77, 9) == ALLOW
        assert self.result(machine, "kill", 78, 9) == EPERM
        assert self.result(machine, "kill", 0xFFFFFFFF, 9) == EPERM
        assert self.result(machine, "tgkill", 77, 77, 6) == ALLOW

    def test_terminal_injection(self, machine: str) -> None:
        assert self.result(machine, "ioctl", 0, 0x5412) == EPERM
        assert self.result(machine, "ioctl", 0, 0x5413) == ALLOW

    def test_programs_may_start_others_but_not_talk(self, machine: str) -> None:
        assert self.result(machine, "execve", policy="program") == ALLOW
        assert self.result(machine, "clone", 0x1200011, policy="program") == ALLOW
        assert self.result(machine, "clone", 0x10000011, policy="program") == EPERM
        assert self.result(machine, "socket", policy="program") == EPERM

    @pytest.mark.parametrize(
        ("name", "arguments", "kind"),
        [
            ("socket", (), "network"),
            ("execve", (), "process"),
            ("clone", (0x1200011,), "process"),
            ("kill", (78, 9), "kill"),
        ],
    )
    def test_what_the_original_does_not_ends_its_candidates(
        self, machine: str, name: str, arguments: tuple[int, ...], kind: str
    ) -> None:
        known = seccomp.architecture(machine)
        assert known is not None

        def result(*allowed: str) -> int:
            program = seccomp.assemble("worker", 77, machine, allowed=allowed)
            return run_filter(program, known.numbers[name], known.audit, *arguments)

        assert result() == KILL
        assert result("read") == KILL
        assert result("read", kind) == EPERM

    def test_candidates_may_do_what_workers_may(self, machine: str) -> None:
        known = seccomp.architecture(machine)
        assert known is not None
        program = seccomp.assemble("worker", 77, machine, allowed=())
        for name, arguments in (("clone", (0x3D0F00,)), ("kill", (77, 9)), ("kcmp", ())):
            expected = EPERM if name == "kcmp" else ALLOW
            assert run_filter(program, known.numbers[name], known.audit, *arguments) == expected
        assert run_filter(program, known.numbers["setpriority"], known.audit) == KILL

    def test_a_single_exec_by_its_addresses(self, machine: str) -> None:
        known = seccomp.architecture(machine)
        assert known is not None
        own = (0x1234_5678_9ABC, 0x2234_5678_9ABC, 0x3234_5678_9ABC)
        program = seccomp.assemble("run", 77, machine, exec_at=own)
        execve = known.numbers["execve"]
        assert run_filter(program, execve, known.audit, *own) == ALLOW
        assert run_filter(program, execve, known.audit, own[0], own[1], own[2] + 8) == KILL
        assert run_filter(program, execve, known.audit, own[0] + (1 << 32), *own[1:]) == KILL
        for name in ("clone", "execveat", "connect", "setpriority"):
            assert run_filter(program, known.numbers[name], known.audit) == KILL
        assert run_filter(program, known.numbers["socket"], known.audit, 2) == KILL
        assert run_filter(program, known.numbers["socket"], known.audit, 1) == EPERM

    def test_other_architectures_and_ordinary_calls(self, machine: str) -> None:
        known = seccomp.architecture(machine)
        assert known is not None
        program = seccomp.assemble("worker", 77, machine)
        assert run_filter(program, 0, known.audit ^ 1) == KILL
        assert run_filter(program, 0, known.audit) == ALLOW


def test_x32_calls_are_denied() -> None:
    program = seccomp.assemble("worker", 77, "x86_64")
    assert run_filter(program, 0x40000000 + 41, 0xC000003E) == EPERM


def test_an_unknown_machine_has_no_filter() -> None:
    assert seccomp.assemble("worker", 1, "vax") == b""


@pytest.mark.parametrize("version", range(1, 8))
def test_landlock_handles_only_what_the_version_knows(version: int) -> None:
    rules = landlock.ruleset(version, [(Path("/usr"), landlock.READ)])
    assert rules["size"] == {1: 8, 2: 8, 3: 8, 4: 16, 5: 16}.get(version, 24)
    assert bool(rules["net"]) == (version >= 4)
    assert bool(rules["scoped"]) == (version >= 6)
    assert bool(rules["fs"] & (1 << 14)) == (version >= 3)


def test_the_pid_comes_in_several_writes() -> None:
    import threading
    import time

    read, write = os.pipe()

    def slowly() -> None:
        for piece in (b'{\n    "child-', b'pid": 4', b"2\n}\n"):
            os.write(write, piece)
            time.sleep(0.02)

    thread = threading.Thread(target=slowly)
    thread.start()
    assert read_pid(read, time.monotonic() + 5) == 42
    thread.join()
    os.close(read)
    os.close(write)


class TestPolicy:
    def test_the_home_is_never_shown_whole(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HOME", str(tmp_path))
        for name in (".ssh/id_rsa", "work.py", "pkg/__init__.py", "photos/a.jpg", "notes.txt"):
            path = tmp_path / name
            path.parent.mkdir(exist_ok=True)
            path.write_text("")
        shown = project_paths(tmp_path, tmp_path / "work.py")
        assert sorted(p.name for p in shown) == ["pkg", "work.py"]

    def test_inputs_in_the_home_do_not_show_it(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        if LEVELS[-1] == "L0":
            pytest.skip("level L0 can't hide files")
        secret = tmp_path / "notes.txt"
        secret.write_text("secret")
        project = Project(tmp_path / "project")
        project.write("mod.py", f"def f(): return open({str(secret)!r}).read()\n")
        calls = tmp_path / "calls.py"
        calls.write_text("def inputs(): yield (), {}\n")
        layout_of(project.python)  # asked while the home is the real one
        monkeypatch.setenv("HOME", str(tmp_path))
        with project.worker(inputs=InputsPlan("file", path=calls)) as worker:
            payload = worker.observe(0, mode="light").payload
        assert b"secret" not in payload.replace(str(secret).encode(), b"")
        assert b"raise" in payload

    def test_a_project_is_shown_whole(self, tmp_path: Path) -> None:
        project = tmp_path / "p"
        (project / "src" / "pkg").mkdir(parents=True)
        file = project / "src" / "pkg" / "a.py"
        file.write_text("")
        assert project_paths(project, file) == (project,)

    def test_the_environment_holds_nothing_of_the_users(self, tmp_path: Path) -> None:
        layout = layout_of(Path(sys.executable))
        values = environment(layout, tmp_path, 3)
        assert values["HOME"] == str(tmp_path)
        assert values["PYTHONHASHSEED"] == "3"
        assert not set(values) & {"USER", "LOGNAME", "SSH_AUTH_SOCK", "DISPLAY", "VIRTUAL_ENV"}

    def test_limits_name_real_resources(self) -> None:
        import resource

        for name, value in (*Limits().rlimits(), *Limits().for_program()):
            assert hasattr(resource, f"RLIMIT_{name}")
            assert value >= 0


def test_scratch_folders_go_whatever_their_modes(tmp_path: Path) -> None:
    folder = tmp_path / "scratch"
    (folder / "in" / "deep").mkdir(parents=True)
    (folder / "in" / "deep" / "x").write_text("")
    (folder / "in").chmod(0)
    remove_folder(folder)
    assert not folder.exists()


AS_NOBODY = """
import sys
import tempfile
import threading
from pathlib import Path
from benchmark_runner.worker.harness import encode
from benchmark_runner.sandbox.policy import Sandbox
from benchmark_runner.worker.supervisor import InputsPlan, Worker, WorkerSpec
from benchmark_runner.workload import Version
folder = Path(sys.argv[1])
for level in sys.argv[2:]:
    spec = WorkerSpec(python=Path(sys.executable), path=folder / "mod.py", called="f",
                      version=Version.of({}),
                      inputs=InputsPlan("values", values=(encode(((), {})),)),
                      hash_seed=0, project=folder, sandbox=Sandbox(level))
    with Worker.start(spec) as worker:
        worker.load()
        worker.make_inputs()
        print(level, encode(("return", 5)) in worker.observe(0).payload)
"""


def test_workers_run_as_a_normal_user() -> None:
    """Root is the odd case: it keeps access to its own files. A normal user must work too."""
    if os.geteuid() != 0:
        pytest.skip("already a normal user: the other tests show it")
    python, setpriv = Path("/usr/bin/python3"), Path("/usr/bin/setpriv")
    if not (python.exists() and setpriv.exists()):
        pytest.skip("no /usr/bin/python3 and setpriv that a normal user could run")
    line = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", str(python), "-c"]
    libraries = [p for p in sys.path if p.endswith("site-packages")]
    values = {"PYTHONPATH": os.pathsep.join([str(REPOSITORY), *libraries]), "PATH": "/usr/bin:/bin"}
    values |= {"HOME": "/nonexistent", "PYTHONDONTWRITEBYTECODE": "1"}

    def run(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*line, script, *arguments], capture_output=True, text=True, env=values, cwd="/"
        )

    if run("import benchmark_runner.worker.supervisor").returncode:
        pytest.skip("a normal user can't import this repository with the system's python")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "mod.py").write_text("def f(): return 5\n")
        done = run(AS_NOBODY, name, *LEVELS)
    assert done.stdout.splitlines() == [f"{level} True" for level in LEVELS], done.stderr


class TestProgram:
    @pytest.fixture(params=LEVELS)
    def level(self, request: pytest.FixtureRequest) -> Level:
        found: Level = request.param
        return found

    def run(self, folder: Path, level: Level, text: str, timeout_s: float = 20) -> ProgramRun:
        (folder / "main.py").write_text(text)
        return run_program(
            ["python", "main.py"],
            cwd=folder,
            python=Path(sys.executable),
            writable=[folder],
            sandbox=Sandbox(level),
            timeout_s=timeout_s,
        )

    def test_runs_programs_and_writes_its_copy(self, tmp_path: Path, level: Level) -> None:
        text = (
            "import subprocess, sys\n"
            "open('out.txt', 'w').write('x')\n"
            "code = 'sum(range(3_000_000))'\n"
            "print(subprocess.run([sys.executable, '-c', code]).returncode)\n"
            "sys.exit(3)\n"
        )
        ran = self.run(tmp_path, level, text)
        assert (ran.exit_code, ran.stdout, ran.timed_out) == (3, "0\n", False)
        assert (tmp_path / "out.txt").read_text() == "x"
        assert ran.cpu_s > 0.01  # of the program that it started

    def test_is_confined(self, tmp_path: Path, level: Level) -> None:
        if level == "L0":
            pytest.skip("level L0 confines nothing")
        inside, outside = tmp_path / "copy", tmp_path / "outside.txt"
        inside.mkdir()
        text = (
            "import socket\n"
            f"for act in (lambda: open({str(outside)!r}, 'w'), socket.socket,\n"
            f"            lambda: __import__('os').listdir({str(Path.home())!r})):\n"
            "    try: act(); print('did')\n"
            "    except OSError: print('denied')\n"
        )
        ran = self.run(inside, level, text)
        assert ran.stdout.split()[:2] == ["denied", "denied"]
        assert not outside.exists()

    def test_a_program_that_never_ends(self, tmp_path: Path, level: Level) -> None:
        ran = self.run(tmp_path, level, "while True: pass\n", timeout_s=0.5)
        assert ran.timed_out

    def test_daemons_end_with_it(self, tmp_path: Path, level: Level) -> None:
        if level == "L0":
            pytest.skip("level L0 confines nothing")
        text = (
            "import os, time\n"
            "if os.fork() == 0:\n"
            "    os.setsid()\n"
            "    if os.fork() == 0:\n"
            "        time.sleep(2); open('late.txt', 'w')\n"
            "    os._exit(0)\n"
            "time.sleep(0.2)\n"
        )
        marker = f"HASTEN_TEST_DAEMON_{os.getpid()}_{level}"
        (tmp_path / "main.py").write_text(text)
        run_program(
            ["python", "main.py", marker],
            cwd=tmp_path,
            python=Path(sys.executable),
            writable=[tmp_path],
            sandbox=Sandbox(level),
        )
        left = [
            entry
            for entry in Path("/proc").glob("[0-9]*/cmdline")
            if marker.encode() in _read(entry) and int(entry.parent.name) != os.getpid()
        ]
        assert left == []

    def test_ends_when_it_is_told_to_though_it_waits(self, tmp_path: Path, level: Level) -> None:
        """A signal that comes just before a call that blocks is heard, too."""
        text = "import os, signal, time\nos.kill(os.getppid(), signal.SIGTERM)\ntime.sleep(60)\n"
        ran = self.run(tmp_path, level, text, timeout_s=50)
        assert not ran.timed_out
        assert ran.exit_code != 0

    def test_cancelled(self, tmp_path: Path, level: Level) -> None:
        token = CancelToken()
        token.cancel()
        (tmp_path / "main.py").write_text("while True: pass\n")
        with pytest.raises(Cancelled):
            run_program(
                ["python", "main.py"],
                cwd=tmp_path,
                python=Path(sys.executable),
                writable=[tmp_path],
                sandbox=Sandbox(level),
                cancel=token,
            )

    def test_a_command_that_is_not_there(self, tmp_path: Path, level: Level) -> None:
        ran = run_program(
            ["no-such-program"],
            cwd=tmp_path,
            python=Path(sys.executable),
            writable=[tmp_path],
            sandbox=Sandbox(level),
        )
        assert ran.exit_code == 127
        assert "no-such-program" in ran.stderr


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


@pytest.mark.skipif("L1" not in LEVELS, reason="this machine has neither Landlock nor seccomp")
def test_a_worker_that_is_not_confined_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from benchmark_runner.errors import SandboxError
    from benchmark_runner.sandbox import policy
    from benchmark_runner.worker.supervisor import Worker

    lacking = dataclasses.replace(probe(), seccomp=False)
    monkeypatch.setattr(policy, "probe", lambda: lacking)
    project = Project(tmp_path, level="L1")
    project.write("mod.py", "def f(): pass\n")
    with pytest.raises(SandboxError, match="seccomp"):
        Worker.start(project.spec())


FAKE_SYSTEMD_RUN = """\
#!/bin/sh
echo "$@" >> {log}
while [ "$1" != -- ]; do shift; done
shift
{start}
"""


class TestScope:
    """There is rarely a systemd in a test machine: a stand-in that really starts the process."""

    @pytest.fixture
    def log(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        self.fake(
            tmp_path, monkeypatch, 'case "$*" in *cgroup*) echo 0::/a.scope;; *) exec "$@"; esac'
        )
        return tmp_path / "log"

    def fake(self, folder: Path, monkeypatch: pytest.MonkeyPatch, start: str) -> None:
        program = folder / "bin" / "systemd-run"
        program.parent.mkdir()
        program.write_text(FAKE_SYSTEMD_RUN.format(log=folder / "log", start=start))
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")

    def test_is_found_by_starting_one(self, log: Path) -> None:
        scope, why = find_scope()
        assert scope is not None
        assert why == ""
        assert "--scope --quiet --collect -p MemoryMax=67108864" in log.read_text()

    def test_what_is_missing_is_told(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.fake(tmp_path, monkeypatch, "echo Failed to connect to bus: Host is down >&2; exit 1")
        scope, why = find_scope()
        assert scope is None
        assert "Host is down" in why
        monkeypatch.setenv("PATH", str(tmp_path))
        assert find_scope() == (None, "systemd-run is not there")

    def test_one_that_bounds_nothing_is_none(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.fake(tmp_path, monkeypatch, 'case "$*" in *cgroup*) echo 0::/;; esac')
        assert find_scope()[0] is None

    def test_the_command_line(self) -> None:
        line = Scope("systemd-run", user=True).command(1 << 20, 7, ["python", "x"])
        assert line[:5] == ["systemd-run", "--user", "--scope", "--quiet", "--collect"]
        assert line[5:11] == [
            "-p", "MemoryMax=1048576", "-p", "MemorySwapMax=0", "-p", "TasksMax=7"
        ]  # fmt: skip
        assert line[11:13] == ["--", "/usr/bin/env"]
        assert line[-2:] == ["python", "x"]

    @pytest.mark.skipif("L2" not in LEVELS, reason="a scope stands around bubblewrap")
    def test_workers_run_in_one(
        self, log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from benchmark_runner.sandbox import probe as probing
        from benchmark_runner.sandbox import process

        scope, _ = find_scope()
        found = dataclasses.replace(probe(), scope=scope)
        monkeypatch.setattr(process, "probe", lambda: found)
        monkeypatch.setattr(probing, "probe", lambda: found)
        monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/4711")
        project = Project(tmp_path / "project", level="L2")
        project.write("mod.py", "import os\ndef f(): return sorted(os.environ)\n")
        with project.worker() as worker:
            seen = harness.decode_plain(worker.observe(0, mode="light").payload)
        assert "XDG_RUNTIME_DIR" not in seen["outcome"][1]
        assert "TasksMax=512" in log.read_text().splitlines()[-1]
        assert [probing.reported(level) for level in LEVELS] == ["L0", "L1", "L3"]

    def test_a_lower_level_is_asked_for(self, log: Path) -> None:
        told = TestProbe().ask(PATH=os.environ["PATH"], HASTEN_SANDBOX="L2")
        assert "scope" not in told


class TestLeftovers:
    def test_only_those_of_the_dead_are_swept(self, tmp_path: Path) -> None:
        script = (
            "import sys, tempfile\n"
            "from benchmark_runner.sandbox.leftovers import own_folder\n"
            "(own_folder() / 'kept').write_text('x'); print(own_folder(), flush=True)\n"
            "sys.stdin.read()\n"
        )
        started = [
            subprocess.Popen(
                [sys.executable, "-c", script],
                cwd=REPOSITORY,
                env={**os.environ, "TMPDIR": str(tmp_path)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for _ in range(2)
        ]
        names = [Path((one.stdout or sys.stdin).readline().strip()) for one in started]
        assert all((name / "kept").exists() for name in names)
        started[0].kill()
        started[0].communicate()
        other = tmp_path / f"{PREFIX}strange"
        other.write_text("no folder")
        assert sweep(tmp_path) == [names[0]]
        assert not names[0].exists()
        assert (names[1] / "kept").exists()
        assert other.exists()
        started[1].communicate("")
        assert not names[1].exists()  # its own end

    def test_links_are_not_followed(self, tmp_path: Path) -> None:
        precious = tmp_path / "precious"
        precious.mkdir()
        (precious / "file").write_text("x")
        (tmp_path / f"{PREFIX}link").symlink_to(precious)
        assert sweep(tmp_path) == []
        assert (precious / "file").exists()


def test_needs_in_words() -> None:
    told = needs([("read", "/a"), ("read", "/b"), ("network", "socket.connect('x',)")])
    assert told == (
        "uses the network (socket.connect('x',))",
        "reads a file outside the project or the inputs themselves (/a, /b)",
    )


@pytest.mark.parametrize("level", [level for level in LEVELS if level != "L0"])
def test_programs_end_when_hasten_is_killed(tmp_path: Path, level: Level) -> None:
    marker = f"HASTEN_TEST_ORPHAN_{os.getpid()}_{level}"
    script = (
        "import sys; from pathlib import Path\n"
        "from benchmark_runner.sandbox.policy import Sandbox\n"
        "from benchmark_runner.sandbox.program import run_program\n"
        "run_program(['sh', '-c', sys.argv[1]], cwd=Path(sys.argv[2]),\n"
        "            python=Path(sys.executable), writable=[Path(sys.argv[2])],\n"
        "            sandbox=Sandbox(sys.argv[3]))\n"
    )
    command = f"sh -c 'touch started; sleep 300; : {marker}' & wait"
    line = [sys.executable, "-c", script, command, str(tmp_path), level]
    parent = subprocess.Popen(line, cwd=REPOSITORY)
    pause = threading.Event()
    for _ in range(600):
        if (tmp_path / "started").exists():
            break
        pause.wait(0.05)
    assert (tmp_path / "started").exists()
    parent.kill()
    parent.wait()
    for _ in range(200):
        if not _named(marker):
            break
        pause.wait(0.05)
    assert _named(marker) == []


def _named(marker: str) -> list[str]:
    """Processes with a word in their command line."""
    return [
        entry.parent.name
        for entry in Path("/proc").glob("[0-9]*/cmdline")
        if marker.encode() in _read(entry) and int(entry.parent.name) != os.getpid()
    ]


def test_who_is_run_without_a_sandbox() -> None:
    assert not_allowed("L0", "rule", False) is None
    assert not_allowed("L0", "model", True) is None
    assert not_allowed("L1", "model", False) is None
    assert "a model's version is not run" in (not_allowed("L0", "model", False) or "")
    assert "--allow-unsandboxed" in (not_allowed("L0", "user", False) or "")


def test_who_starts_a_program_and_is_gone_leaves_nothing_running(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between the start of the process and its own word that it ends with its parent."""
    gone = subprocess.Popen(["true"])
    gone.wait()
    monkeypatch.setattr("benchmark_runner.sandbox.program.os.getpid", lambda: gone.pid)
    ran = run_program(
        ["touch", "out.txt"], cwd=tmp_path, python=Path(sys.executable), writable=[tmp_path],
        sandbox=Sandbox("L1"),
    )  # fmt: skip
    assert ran.exit_code != 0
    assert not (tmp_path / "out.txt").exists()


def test_a_program_that_is_told_nothing_is_not_run(tmp_path: Path) -> None:
    """Who started it was killed before telling it what to do."""
    told, tell = os.pipe()
    hear, say = os.pipe()
    line = [sys.executable, "-B", harness.__file__, "execute", str(told), str(say)]
    started = subprocess.Popen([*line, "touch", str(tmp_path / "out.txt")], pass_fds=[told, say])
    os.close(told)
    os.close(say)
    assert os.read(hear, 1) == b"r"
    os.close(tell)
    assert started.wait() == 143
    os.close(hear)
    assert not (tmp_path / "out.txt").exists()
