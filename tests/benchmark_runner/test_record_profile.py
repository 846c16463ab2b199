"""Profiling the user's own program: it runs as it would by itself."""

from __future__ import annotations

import json
import pstats
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from analysis.errors import Cancelled
from analysis.functions import function_named
from analysis.profiles.load import load_profile
from analysis.profiles.store import stored_profile
from analysis.progress import CancelToken
from benchmark_runner.errors import WorkloadError
from benchmark_runner.recording.record import RecordedRun, record_profile
from tests.benchmark_runner.programs import WANTED, python_of, write

OWN = Path(sys.executable)

WORK = """
    def work(n):
        return sum(helper(i) for i in range(n))

    def helper(i):
        return i * i
"""


def record(folder: Path, *command: str, python: Path = OWN, **more: Any) -> RecordedRun:
    return record_profile(command, folder, folder / "out" / "p.pstats", python=python, **more)


def names_in(run: RecordedRun) -> set[str]:
    stats: Any = pstats.Stats(str(run.profile))
    return {f"{Path(file).name}:{name}" for file, _, name in stats.stats}


@pytest.mark.parametrize("version", WANTED)
def test_functions_are_in_the_profile(tmp_path: Path, version: str) -> None:
    write(tmp_path, main="from lib import work\nprint(work(1000))\n", lib=WORK)
    run = record(tmp_path, "python", "main.py", python=python_of(version))
    assert {"lib.py:work", "lib.py:helper"} <= names_in(run)
    assert not any(name.startswith("recorder.py") for name in names_in(run))
    helper = next(f for f in load_profile(run.profile, tmp_path).functions if f.name == "helper")
    assert helper.calls == 1000
    assert 0 < run.seconds < 60


@pytest.mark.parametrize("version", WANTED)
def test_program_sees_what_it_would_see_by_itself(tmp_path: Path, version: str) -> None:
    write(
        tmp_path,
        **{
            "sub/main": """
        import json, os, sys
        import __main__
        print(json.dumps([
            sys.argv, sys.path[0], __name__, __file__, os.getcwd(), __spec__ is None,
            __main__.__dict__ is globals(), os.environ.get("HOME"), sys.stdin.isatty(),
            "recorder" in " ".join(getattr(sys, "orig_argv", [])),
        ]), file=open(sys.argv[1], "w"))
        """
        },
    )
    python = python_of(version)
    plain, recorded = tmp_path / "plain", tmp_path / "recorded"
    subprocess.run([python, "sub/main.py", str(plain), "a b"], cwd=tmp_path, check=True)
    record(tmp_path, "python", "sub/main.py", str(recorded), "a b", python=python)
    assert recorded.read_text().replace("recorded", "plain") == plain.read_text()


@pytest.mark.parametrize("version", WANTED)
def test_module_and_code(tmp_path: Path, version: str) -> None:
    python = python_of(version)
    write(
        tmp_path,
        **{
            "pkg/__init__": "",
            "pkg/__main__": "import sys\nfrom . import lib\nassert sys.argv[1] == 'x'\nlib.work(9)",
            "pkg/lib": WORK,
        },
    )
    assert "lib.py:work" in names_in(record(tmp_path, "python", "-m", "pkg", "x", python=python))
    run = record(tmp_path, "python", "-c", "import pkg.lib; pkg.lib.work(5)", python=python)
    assert "lib.py:helper" in names_in(run)


@pytest.mark.parametrize("version", ["3.9", "3.11", "3.13"])
def test_threads_are_profiled_too(tmp_path: Path, version: str) -> None:
    write(
        tmp_path,
        main="""
        import threading
        from lib import work
        t = threading.Thread(target=work, args=(500,))
        t.start()  # and never joined
        """,
        lib=WORK,
    )
    run = record(tmp_path, "python", "main.py", python=python_of(version))
    assert "lib.py:helper" in names_in(run)
    assert run.threads == 1
    assert run.notes


def test_sidecar_has_fingerprints_and_texts_of_the_workspace(tmp_path: Path) -> None:
    write(tmp_path, main="from lib import work\nwork(10)\n", lib=WORK)
    run = record(tmp_path, "python", "main.py", workspace=tmp_path)
    told = json.loads(run.sidecar.read_text())
    lib = tmp_path / "lib.py"
    function = function_named(lib.read_text(), str(lib), "work")
    assert function is not None
    assert told["fingerprints"][f"{lib}::work"] == function.fingerprint
    assert told["command"] == ["python", "main.py"]
    assert told["schema"] == 2
    assert told["cwd"] == str(tmp_path)
    stored = stored_profile(run.profile)
    assert stored is not None
    assert set(stored.sources.files) == {"main.py", "lib.py"}
    assert stored.sources.text("lib.py") == lib.read_text()


def test_a_file_that_was_edited_during_the_run_is_not_the_one_that_ran(tmp_path: Path) -> None:
    write(tmp_path, main="import os, lib\nlib.work(5)\nos.utime('lib.py')\n", lib=WORK)
    run = record(tmp_path, "python", "main.py", workspace=tmp_path)
    stored = stored_profile(run.profile)
    assert stored is not None
    assert set(stored.sources.files) == {"main.py"}
    assert stored.sources.doubt("lib.py") == "the file is newer than the profile"


def test_leaving_with_zero_is_fine(tmp_path: Path) -> None:
    write(tmp_path, main="import sys, lib\nlib.work(5)\nsys.exit(0)\n", lib=WORK)
    assert "lib.py:work" in names_in(record(tmp_path, "python", "main.py"))


def test_program_may_profile_in_a_child_process(tmp_path: Path) -> None:
    """A forked child neither writes a second profile nor is stopped by the first."""
    write(
        tmp_path,
        main="""
        import os, lib
        lib.work(5)
        pid = os.fork()
        if pid == 0:
            lib.work(5)
            raise SystemExit(0)
        assert os.waitpid(pid, 0)[1] == 0
        """,
        lib=WORK,
    )
    assert "lib.py:work" in names_in(record(tmp_path, "python", "main.py"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import sys; print('reason one', file=sys.stderr); sys.exit(3)", "reason one"),
        ("raise ValueError('reason two')", "reason two"),
        ("def broken(:\n", "SyntaxError"),
        ("import sys; sys.exit('reason three')", "reason three"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "SIGSEGV"),
    ],
)
def test_failing_program_shows_its_last_lines(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "main.py").write_text(text)
    with pytest.raises(WorkloadError) as caught:
        record(tmp_path, "python", "main.py")
    assert caught.value.code == "workload-failed"
    assert said in caught.value.message
    assert "recorder.py" not in caught.value.message
    assert not list((tmp_path / "out").iterdir())


def test_missing_script_is_named(tmp_path: Path) -> None:
    with pytest.raises(WorkloadError, match=r"nowhere\.py"):
        record(tmp_path, "python", "nowhere.py")


def test_missing_module_is_named(tmp_path: Path) -> None:
    with pytest.raises(WorkloadError, match="no_such_module"):
        record(tmp_path, "python", "-m", "no_such_module")


def test_endless_program_is_ended_with_all_it_started(tmp_path: Path) -> None:
    write(
        tmp_path,
        main="""
        import subprocess, sys, time
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        open("pid", "w").write(str(child.pid))
        while True:
            time.sleep(0.01)
        """,
    )
    with pytest.raises(WorkloadError) as caught:
        record(tmp_path, "python", "main.py", timeout_s=1.0)
    assert caught.value.code == "workload-timeout"
    assert caught.value.mend
    assert is_gone(int((tmp_path / "pid").read_text()))


def is_gone(pid: int) -> bool:
    """Whether the process ended; one that waits to be collected by init has."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
    return False


def test_cancel_ends_the_program(tmp_path: Path) -> None:
    write(
        tmp_path,
        main="import os, time\nopen('pid', 'w').write(str(os.getpid()))\ntime.sleep(600)\n",
    )
    cancel = CancelToken()

    def once_started() -> None:
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
            cancel.wait(0.01)
        cancel.cancel()

    thread = threading.Thread(target=once_started)
    thread.start()
    with pytest.raises(Cancelled):
        record(tmp_path, "python", "main.py", cancel=cancel)
    thread.join()
    assert is_gone(int((tmp_path / "pid").read_text()))


def test_program_ends_when_its_starter_is_killed(tmp_path: Path) -> None:
    write(
        tmp_path,
        main="import os, time\nopen('pid', 'w').write(str(os.getpid()))\ntime.sleep(600)\n",
        starter="""
        import sys
        from pathlib import Path
        sys.path.insert(0, sys.argv[1])
        from benchmark_runner.recording.record import record_profile
        here = Path.cwd()
        record_profile(["python", "main.py"], here, here / "p.pstats", python=Path(sys.executable))
        """,
    )
    root = str(Path(__file__).resolve().parents[2])
    starter = subprocess.Popen([OWN, "starter.py", root], cwd=tmp_path)
    deadline = time.monotonic() + 30
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        assert starter.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    starter.kill()
    starter.wait()
    assert is_gone(int((tmp_path / "pid").read_text()))


@pytest.mark.parametrize("version", ["3.9", "3.13"])
def test_file_numbers_are_the_programs_own(tmp_path: Path, version: str) -> None:
    write(
        tmp_path, main="import lib\nlib.work(2)\nassert open('main.py').fileno() == 3\n", lib=WORK
    )
    assert record(tmp_path, "python", "main.py", python=python_of(version)).seconds > 0


def test_interrupt_of_the_program_cancels(tmp_path: Path) -> None:
    write(tmp_path, main="import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    with pytest.raises(Cancelled):
        record(tmp_path, "python", "main.py")


def test_a_program_without_a_python_function_is_named(tmp_path: Path) -> None:
    write(tmp_path, main="import os\nos._exit(0)\n")
    with pytest.raises(WorkloadError) as caught:
        record(tmp_path, "python", "main.py")
    assert caught.value.code == "workload-no-profile"


def test_output_goes_to_standard_error(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, main="import sys, lib\nlib.work(3)\nprint('said')\n", lib=WORK)
    record(tmp_path, "python", "main.py")
    out, err = capfd.readouterr()
    assert out == ""
    assert "said" in err


def test_progress_tells_the_seconds(tmp_path: Path) -> None:
    write(tmp_path, main="import time, lib\nlib.work(3)\ntime.sleep(0.8)\n", lib=WORK)
    lines: list[str] = []
    record(tmp_path, "python", "main.py", progress=lambda text, share: lines.append(text))
    assert any("python main.py" in line and line.endswith(" s") for line in lines)
