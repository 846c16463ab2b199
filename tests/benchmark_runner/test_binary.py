"""Compiled programs: built in the build sandbox, run in the one without other processes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from analysis.errors import Cancelled
from analysis.progress import CancelToken
from benchmark_runner.errors import SandboxError
from benchmark_runner.receipt import Level
from benchmark_runner.sandbox.binary import BinaryRun, BinaryRunner, run_binary
from benchmark_runner.sandbox.build import run_build
from benchmark_runner.sandbox.limits import BinaryLimits, TreeLimits
from benchmark_runner.sandbox.policy import Sandbox
from tests.benchmark_runner.workers import LEVELS

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs a C compiler")

CONFINED = [level for level in LEVELS if level != "L0"]
LIMITS = BinaryLimits(wall_s=20.0, memory=200 << 20, output_bytes=1 << 20, scratch_bytes=4 << 20)

SOURCES = {
    "echo": """
        #include <stdio.h>
        int main(void) { int c, n = 0; while ((c = getchar()) != EOF) { putchar(c); n++; }
                         fprintf(stderr, "%d bytes", n); return 3; }""",
    "spin": "int main(void) { volatile long i; for (i = 0; i < 50000000; i++); return 0; }",
    "forever": "int main(void) { for (;;); }",
    "exec": """
        #include <unistd.h>
        int main(void) { execl("/bin/echo", "echo", "did", (char *)0); return 0; }""",
    "again": """
        #include <unistd.h>
        int main(int n, char **v, char **e) { if (n > 1) return 0;
            char *w[] = {v[0], "x", 0}; execve("/proc/self/exe", w, e); return 9; }""",
    "fork": "#include <unistd.h>\nint main(void) { fork(); return 0; }",
    "system": '#include <stdlib.h>\nint main(void) { return system("echo did"); }',
    "tcp": "#include <sys/socket.h>\nint main(void) { return socket(2, 1, 0); }",
    "signal": "#include <signal.h>\nint main(void) { return kill(PARENT, 9) == 0; }",
    "memory": """
        #include <stdlib.h>
        #include <string.h>
        int main(void) { for (;;) { char *p = malloc(1 << 22); if (p) memset(p, 1, 1 << 22); } }""",
    "threads": """
        #include <pthread.h>
        #include <unistd.h>
        void *f(void *x) { for (;;) pause(); return x; }
        int main(void) { pthread_t t; for (;;) pthread_create(&t, 0, f, 0); }""",
    "flood": '#include <stdio.h>\nint main(void) { for (;;) puts("xxxxxxxxxxxxxxxxxxxxxxxx"); }',
    "disk": """
        #include <stdio.h>
        static char b[900000];
        int main(void) { char n[20]; for (int i = 0;; i++) { sprintf(n, "f%d", i % 100000);
            FILE *f = fopen(n, "w"); if (f) { fwrite(b, 1, sizeof b, f); fclose(f); } } }""",
    "crash": "#include <stdlib.h>\nint main(void) { abort(); }",
    "write": """
        #include <stdio.h>
        int main(int n, char **v) { FILE *in = fopen("own.txt", "w"), *out = fopen(v[1], "w");
            printf("%d %d", in != 0, out != 0); return 0; }""",
    "read": """
        #include <stdio.h>
        int main(int n, char **v) { return fopen(v[1], "r") != 0; }""",
    "overflow": """
        #include <stdlib.h>
        int main(int n, char **v) { int *p = malloc(8); return p[n + 1]; }""",
    "stdin": """
        #include <fcntl.h>
        #include <unistd.h>
        int main(void) { int f = open("/proc/self/fd/0", O_RDWR);
                         return f >= 0 && write(f, "x", 1) == 1; }""",
}


@dataclass
class Programs:
    """The programs above, each built when it is first asked for."""

    folder: Path

    def get(self, name: str) -> Path:
        program = self.folder / name
        if not program.exists():
            source = SOURCES[name].replace("PARENT", str(os.getpid()))
            (self.folder / f"{name}.c").write_text(source)
            flags = ["-fsanitize=address,undefined"] if name == "overflow" else []
            line = ["gcc", "-O1", "-pthread", *flags, "-o", name, f"{name}.c"]
            done = run_build(line, folder=self.folder)
            assert done.exit_code == 0, done.stderr
        return program


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Programs:
    return Programs(tmp_path_factory.mktemp("programs"))


class Runs:
    """One runner, and runs of the programs on it by name."""

    def __init__(self, programs: Programs, runner: BinaryRunner) -> None:
        self.programs = programs
        self.runner = runner

    def __call__(self, name: str, *arguments: str, **options: object) -> BinaryRun:
        return self.runner.run([self.programs.get(name), *arguments], **options)  # type: ignore[arg-type]


@pytest.fixture(params=CONFINED)
def run(request: pytest.FixtureRequest, programs: Programs) -> Iterator[Runs]:
    level: Level = request.param
    with BinaryRunner([programs.folder], limits=LIMITS, sandbox=Sandbox(level)) as runner:
        yield Runs(programs, runner)


def test_output_and_exit_code(run: Runs) -> None:
    ran = run("echo", stdin=b"hello")
    assert (ran.exit_code, ran.stdout, ran.stderr, ran.reason) == (3, b"hello", b"5 bytes", "")


def test_cpu_seconds_are_of_the_program_alone(run: Runs) -> None:
    busy, idle = run("spin"), run("echo")
    assert busy.cpu_s > 3 * idle.cpu_s
    assert busy.wall_s >= 0.9 * busy.cpu_s


@pytest.mark.parametrize("name", ["exec", "again", "fork", "system", "tcp"])
def test_what_has_no_honest_use_ends_it(run: Runs, name: str) -> None:
    ran = run(name)
    assert (ran.reason, ran.signal, ran.stdout) == ("blocked", signal.SIGSYS, b"")


def test_no_signals_to_others(run: Runs) -> None:
    assert run("signal").exit_code == 0


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("memory", "memory"),
        ("flood", "output"),
        ("crash", "signal"),
        ("threads", "threads"),
        ("disk", "disk"),
    ],
)
def test_limits(run: Runs, name: str, reason: str) -> None:
    if name == "disk" and run.runner.sandbox.level == "L2":
        pytest.skip("the scratch folder is a sized file system there, which is full")
    ran = run(name)
    assert ran.reason == reason
    assert len(ran.stdout) <= LIMITS.output_bytes


def test_wall_time(run: Runs) -> None:
    ran = run("forever", wall_s=0.3)
    assert (ran.timed_out, ran.signal) == (True, signal.SIGKILL)
    assert ran.cpu_s > 0


def test_memory_is_told(run: Runs) -> None:
    ran = run("memory")
    assert ran.peak_rss > 100 << 20 > ran.rss_floor > 0


def test_writes_its_own_folder_only_which_is_new_each_time(run: Runs, tmp_path: Path) -> None:
    outside = tmp_path / "outside.txt"
    assert run("write", str(outside)).stdout == b"1 0"
    assert not outside.exists()
    assert run("read", "own.txt").exit_code == 0


def test_reads_only_what_it_was_given(run: Runs, tmp_path: Path) -> None:
    secret = tmp_path / "key"
    secret.write_text("secret")
    assert run("read", str(secret)).exit_code == 0
    assert run("read", str(run.programs.folder / "read.c")).exit_code == 1


def test_input_cannot_be_changed(run: Runs) -> None:
    assert run("stdin", stdin=b"data").exit_code == 0


def test_sanitizers_work(run: Runs) -> None:
    ran = run("overflow", sanitizers=True)
    assert ran.exit_code == 86
    assert b"heap-buffer-overflow" in ran.stderr or b"runtime error" in ran.stderr


def test_a_program_that_is_not_there(run: Runs) -> None:
    with pytest.raises(SandboxError, match="No such file"):
        run.runner.run([run.programs.folder / "nothing"])
    assert run("echo").exit_code == 3


def test_cancel(run: Runs) -> None:
    token = CancelToken()
    program = run.programs.get("forever")
    timer = threading.Timer(0.2, token.cancel)
    timer.start()
    with pytest.raises(Cancelled):
        run.runner.run([program], cancel=token)


def test_one_run(programs: Programs) -> None:
    assert run_binary([programs.get("echo")], stdin=b"x").stdout == b"x"


def test_nothing_is_left_when_the_parent_is_killed(programs: Programs) -> None:
    program = programs.get("forever")
    script = (
        "import sys; from pathlib import Path\n"
        "from benchmark_runner.sandbox.binary import run_binary\n"
        "print('on', flush=True); run_binary([Path(sys.argv[1])])\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script, str(program)],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
    )
    assert parent.stdout is not None
    parent.stdout.readline()
    _until(lambda: _running(program))
    parent.kill()
    parent.wait()
    parent.stdout.close()
    _until(lambda: not _running(program))
    assert _running(program) == []


def _running(program: Path) -> list[str]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if (entry / "cmdline").read_bytes().split(b"\0")[0] == os.fsencode(program):
                found.append(entry.name)
        except OSError:
            continue
    return found


def _until(true: object) -> None:
    """Wait for something that other processes do; the test fails by its assertion or timeout."""
    event = threading.Event()
    for _ in range(400):
        if callable(true) and true():
            return
        event.wait(0.05)


class TestBuild:
    def test_no_network_and_no_writes_elsewhere(self, tmp_path: Path) -> None:
        folder, outside = tmp_path / "build", tmp_path / "outside"
        folder.mkdir()
        code = "import socket\ntry: socket.socket()\nexcept OSError: print('no network')"
        line = f'python3 -c "{code}"; echo x > {outside}; echo x > inside'
        done = run_build(["sh", "-c", line], folder=folder)
        assert "no network" in done.stdout
        assert not outside.exists()
        assert (folder / "inside").exists()

    def test_secrets_are_not_included(self, tmp_path: Path) -> None:
        folder, secret = tmp_path / "build", tmp_path / "key"
        folder.mkdir()
        secret.write_text("secret_words")
        (folder / "a.c").write_text(f'#include "{secret}"\n')
        done = run_build(["gcc", "-c", "a.c"], folder=folder)
        assert done.exit_code != 0
        assert "secret_words" not in done.stderr

    @pytest.mark.parametrize(
        ("line", "reason"),
        [
            ("while :; do sleep 9 & done", "processes"),
            ("tail -c 3000000000 /dev/zero | tail", "memory"),
            ("while :; do head -c 900000 /dev/zero > f$i; i=x$i; done", "disk"),
        ],
    )
    def test_is_bounded(self, tmp_path: Path, line: str, reason: str) -> None:
        limits = TreeLimits(memory=300 << 20, processes=20, disk=5 << 20, output_bytes=1 << 20)
        done = run_build(["sh", "-c", line], folder=tmp_path, limits=limits, timeout_s=60)
        assert done.reason == reason
        assert done.exit_code != 0
