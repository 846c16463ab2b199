"""Bad input and bad luck through the real command line: a clear error, and nothing is lost."""

from __future__ import annotations

import cProfile
import json
import os
import signal
import socket
import sqlite3
from pathlib import Path

import pytest

from index.record import AcceptedEdit
from index.store import Memory, now
from tests.e2e.cli import Cli, Done, Running, below, engine_of, still_there, wait_until
from tests.optimizer.openai_server import Answer, openai_server

SLOW = """def common(left: list[int], right: list[int]) -> list[int]:
    found = []
    for item in left:
        if item in right:
            found.append(item)
    return found
"""
INPUTS = """def inputs():
    for n in (200, 300, 400):
        yield (list(range(n)), list(range(0, 2 * n, 2))), {}
"""
ENDLESS = """def wait(left: list[int], right: list[int]) -> list[int]:
    found = []
    while True:
        for item in left:
            if item in right:
                found.append(item)
        found.clear()
"""
PROVE = ("optimize", "slow.py::common", "--inputs", "give.py", "--budget", "1", "--json")


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'bad'\n")
    (tmp_path / "slow.py").write_text(SLOW)
    (tmp_path / "give.py").write_text(INPUTS)
    return Cli(tmp_path)


def refused(done: Done, code: str, exit_code: int = 2) -> dict[str, str]:
    """The error of a command, which says what to do."""
    assert done.code == exit_code, done.out + done.err
    assert set(done.value) == {"error"}
    error: dict[str, str] = done.value["error"]
    assert error["code"] == code
    assert error["message"]
    assert "Traceback" not in done.err
    return error


def proved(done: Done) -> list[str]:
    """The ids of what a command proved."""
    assert done.code == 0, done.out + done.err
    return [s["id"] for s in done.value["suggestions"]]


# -- code


def test_the_rest_of_a_file_with_a_syntax_error_still_works(cli: Cli):
    broken = "\n\ndef half(:\n    pass\n"
    (cli.folder / "slow.py").write_text(SLOW + broken)
    done = cli(*PROVE, "--apply")
    proved(done)
    assert any("syntax error" in note for note in done.value["notes"])
    text = (cli.folder / "slow.py").read_text()
    assert "right_set" in text
    assert text.endswith(broken)
    error = refused(cli("optimize", "slow.py::half", "--json"), "syntax-error")
    assert "half" in error["message"]
    (cli.folder / "slow.py").write_text("x = [\n" + SLOW)
    error = refused(cli("optimize", "slow.py::hidden", "--json"), "function-unknown")
    assert "syntax error" in error["mend"]


def test_a_function_without_inputs_says_how_to_give_some(cli: Cli):
    (cli.folder / "slow.py").write_text(
        "def f(a, b, c):\n    return [x.q for x in a.z if x in list(b.w(c))]\n"
    )
    error = refused(cli("optimize", "slow.py::f", "--json"), "inputs-none")
    assert "inputs()" in error["mend"]
    assert "--workload" in error["mend"]


def test_a_non_deterministic_function_is_named_as_such(cli: Cli):
    (cli.folder / "slow.py").write_text(
        "import os\n\n\n" + SLOW.replace("found = []", "found = [os.urandom(8)]")
    )
    done = cli(*PROVE)
    assert done.code == 1, done.err
    [row] = done.value["rejected"]
    assert row["function"] == "common"
    assert "not deterministic" in row["reason"]
    assert done.value["suggestions"] == []


def test_inputs_that_fail_are_named(cli: Cli):
    (cli.folder / "give.py").write_text("def inputs():\n    raise LookupError('no such table')\n")
    done = cli(*PROVE)
    assert done.code == 2
    assert "no such table" in done.value["error"]["message"]


# -- profiles


def test_profiles_that_are_of_no_use(cli: Cli):
    made = cli.folder / "other.pstats"
    profiler = cProfile.Profile()
    profiler.runcall(sorted, [3, 1, 2], key=lambda n: -n)
    profiler.dump_stats(made)
    whole = made.read_bytes()
    for name, data, code in (
        ("other", whole, "profile-foreign"),
        ("empty", b"", "profile-empty"),
        ("cut", whole[: len(whole) // 2], "profile-truncated"),
        ("text", b"what is this", "profile-unknown"),
    ):
        file = cli.folder / f"{name}.pstats"
        file.write_bytes(data)
        error = refused(cli("hot", "--profile", file, "--json"), code)
        assert file.name in error["message"]
        assert error["mend"]
    refused(cli("hot", "--profile", "nowhere", "--json"), "profile-missing")


# -- workloads


def test_a_workload_that_fails(cli: Cli):
    (cli.folder / "main.py").write_text("print('{}')\nraise SystemExit('no database here')\n")
    for command in (("profile",), ("optimize", "--budget", "1")):
        error = refused(cli(*command, "--json", "--", "python", "main.py"), "workload-failed")
        assert "no database here" in error["message"]
        assert "python main.py" in error["mend"]


def test_a_workload_that_never_ends_is_ended(cli: Cli):
    (cli.folder / "main.py").write_text("import time\nwhile True:\n    time.sleep(0.01)\n")
    command = ("--timeout", "1", "--json", "--", "python", "main.py")
    error = refused(cli("profile", *command), "workload-timeout")
    assert "--timeout" in error["mend"]
    running = cli.start("optimize", *command)
    running.said("profiling")
    processes = below(running.process.pid)
    refused(running.wait(), "workload-timeout")
    assert any("main.py" in c or "recorder" in c for c in processes.values()), processes
    wait_until(lambda: not still_there(processes), "the end of all processes")


@pytest.mark.parametrize("workload", ["", "python 'main.py", "no-such-command", "ls"])
def test_a_workload_that_is_no_python_program(cli: Cli, workload: str):
    refused(cli("optimize", "--workload", workload, "--json"), "workload-unsupported")


# -- the machine


def test_a_missing_interpreter(cli: Cli):
    error = refused(cli(*PROVE, "--python", "/no/such/python"), "python-missing")
    assert "/no/such/python" in error["message"]
    done = cli(*PROVE, "--python", "/bin/true")
    assert done.code == 2
    assert done.value["error"]["mend"]


def test_a_state_folder_that_can_not_be_written(cli: Cli):
    (cli.folder / "file").write_text("")
    folder = str(cli.folder / "file")
    (cli.folder / "main.py").write_text("print(1)\n")
    for command in (PROVE, ("profile", "--json", "--", "python", "main.py")):
        error = refused(cli(*command, XDG_STATE_HOME=folder), "state-unwritable")
        assert "XDG_STATE_HOME" in error["mend"]
    shown = cli("doctor", "--json", XDG_STATE_HOME=folder)
    assert shown.code == 1
    assert not shown.value["state"]["ok"]


@pytest.mark.slow
def test_a_memory_that_can_not_be_written(cli: Cli):
    (cli.folder / "file").write_text("")
    data = {"XDG_DATA_HOME": str(cli.folder / "file")}
    error = refused(cli(*PROVE, "--apply", **data), "memory-read-only")
    assert "XDG_DATA_HOME" in error["mend"]
    assert (cli.folder / "slow.py").read_text() == SLOW
    refused(cli("trust", "--json", **data), "data-folder-unwritable")
    assert cli("index", "search", "a loop", "--json", **data).value
    [id] = proved(cli(*PROVE, **data))
    refused(cli("apply", id, "--json", **data), "memory-read-only")
    assert (cli.folder / "slow.py").read_text() == SLOW
    assert cli("apply", id, "--json").code == 0


def newer(file: Path) -> bytes:
    """A database of a newer version, and its bytes."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA user_version = 999")
        connection.execute("CREATE TABLE IF NOT EXISTS tomorrow (a)")
    connection.close()
    return file.read_bytes()


@pytest.mark.slow
def test_newer_folders_are_named_and_left_alone(cli: Cli):
    memory = cli.folder / "data" / "hasten" / "memory.db"
    was = newer(memory)
    for command in (("undo",), ("index", "stats"), ("apply", "0123456789")):
        done = cli(*command, "--json")
        if command[0] != "apply":  # an unknown name comes first there
            assert "newer" in refused(done, "memory-newer")["message"]
        assert done.code == 2
    done = cli(*PROVE)  # remembers nothing, and proves all the same
    assert proved(done)
    assert any("newer" in note for note in done.value["notes"])
    assert memory.read_bytes() == was
    [state] = (cli.folder / "state" / "hasten").iterdir()
    results = cli.folder / "other" / "hasten" / state.name / "results.db"
    was = newer(results)
    done = cli(*PROVE, XDG_STATE_HOME=str(cli.folder / "other"))
    assert "newer" in refused(done, "results-newer")["message"]
    assert results.read_bytes() == was


@pytest.mark.slow
def test_a_corrupt_chroma_folder_is_rebuilt_and_nothing_accepted_is_lost(cli: Cli):
    proved(cli(*PROVE, "--apply"))
    query = ("index", "search", "slow.py::common", "-k", "3", "--json")
    before = cli(*query).value
    assert before
    files = [f for f in (cli.folder / "data" / "hasten").rglob("*") if f.is_file()]
    damaged = [f for f in files if "chroma" in str(f.relative_to(cli.folder))]
    assert damaged
    for file in damaged:
        file.write_bytes(os.urandom(max(64, file.stat().st_size // 2)))
    assert [h["id"] for h in cli(*query).value] == [h["id"] for h in before]
    assert cli("index", "verify", "--json").value["ok"]
    assert cli("undo", "--json").code == 0
    assert (cli.folder / "slow.py").read_text() == SLOW


# -- models


@pytest.mark.slow
def test_a_model_that_answers_nonsense_or_not_at_all(cli: Cli):
    def answer(body: dict[str, object], number: int) -> Answer:
        if number % 3 == 0:
            return Answer("Sure! I think it is fast already. \u0000")
        if number % 3 == 1:
            return Answer(raw=b"<html>502 Bad Gateway</html>")
        return Answer(wait_s=30)

    with openai_server(answer) as server:
        done = cli(
            *PROVE, "--model", "openai/any", "--api-base", server.url, "--model-timeout", "1"
        )  # fmt: skip
        asked = len(server.requests)
    assert asked
    assert proved(done)  # by the rules
    assert "right_set" in json.dumps(done.value["suggestions"][0]["replacements"])
    assert any("model" in r["title"] or r["stage"] == "proposal" for r in done.value["rejected"])


@pytest.mark.slow
def test_a_model_that_is_not_there(cli: Cli):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    done = cli(*PROVE, "--model", "openai/any", "--api-base", url)
    assert proved(done)
    said = json.dumps([done.value["notes"], done.value["rejected"]])
    assert "model" in said


# -- processes that end too early, or too many of them


def endless(cli: Cli) -> tuple[str, ...]:
    (cli.folder / "slow.py").write_text(ENDLESS)
    return ("optimize", "slow.py::wait", "--inputs", "give.py", "--json")


def with_a_worker(running: Running) -> dict[int, str]:
    """The processes below a command at a moment when its engine has a worker.

    One look: short-lived helpers (an interpreter asked for its version) come and go before it.
    """
    looks: list[dict[int, str]] = []

    def has_worker() -> bool:
        looks.append(below(running.process.pid))
        return any("/harness-" in command for command in looks[-1].values())

    wait_until(has_worker, "a worker")
    return looks[-1]


def works_again(cli: Cli) -> None:
    """A job of a new engine, one that is over at once."""
    (cli.folder / "plain.py").write_text("def add(a: int, b: int) -> int:\n    return a + b\n")
    done = cli("optimize", "plain.py", "--json")
    assert (done.code, done.value["suggestions"]) == (1, []), done.out


def test_a_killed_engine_is_told_and_the_next_command_has_a_new_one(cli: Cli):
    running = cli.start(*endless(cli))
    running.said("running the original")
    processes = with_a_worker(running)
    os.kill(engine_of(processes), signal.SIGKILL)
    error = refused(running.wait(), "engine-died", 3)
    assert "engine.log" in error["mend"]
    wait_until(lambda: not still_there(processes), "the end of the workers")
    works_again(cli)


def test_ctrl_c_ends_the_job_and_leaves_no_process(cli: Cli):
    running = cli.start(*endless(cli))
    running.said("running the original")
    processes = with_a_worker(running)
    engine = engine_of(processes)
    running.signal(signal.SIGINT)
    done = running.wait()
    assert done.code == 130, done.err
    assert done.value["error"]["code"] == "cancelled"
    assert "Traceback" not in done.err
    workers = {p: c for p, c in processes.items() if p != engine}
    assert workers
    wait_until(lambda: not still_there(workers), "the end of the workers", 5)
    wait_until(lambda: not still_there(processes), "the end of the engine")


@pytest.mark.parametrize("command", ["profile", "optimize"])
def test_ctrl_c_ends_the_workload(cli: Cli, command: str):
    (cli.folder / "main.py").write_text(
        "import pathlib, time\npathlib.Path('began').touch()\nwhile True:\n    time.sleep(0.01)\n"
    )
    running = cli.start(command, "--json", "--", "python", "main.py")
    wait_until((cli.folder / "began").exists, "the workload's start")
    processes = below(running.process.pid)
    running.signal(signal.SIGINT)
    done = running.wait()
    assert done.code == 130, done.out + done.err
    assert done.value["error"]["code"] == "cancelled"
    wait_until(lambda: not still_there(processes), "the end of the workload")


def test_ctrl_c_in_a_command_without_an_engine(cli: Cli):
    running = cli.start("index", "rebuild", "--json")
    running.said("embedding")
    running.signal(signal.SIGINT)
    done = running.wait()
    assert done.code == 130, done.err
    assert done.value["error"]["code"] == "cancelled"


def test_a_killed_command_leaves_nothing_running_and_no_file_changed(cli: Cli):
    running = cli.start(*endless(cli), "--apply")
    running.said("running the original")
    processes = with_a_worker(running)
    running.signal(signal.SIGKILL)
    assert running.wait().code == -signal.SIGKILL
    wait_until(lambda: not still_there(processes), "the end of engine and workers")
    assert (cli.folder / "slow.py").read_text() == ENDLESS
    works_again(cli)


def test_a_kill_between_remembering_and_writing_is_taken_back_by_undo(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("XDG_DATA_HOME", cli.environment["XDG_DATA_HOME"])
    file = cli.folder / "slow.py"
    with Memory() as memory:
        memory.accept(
            AcceptedEdit(
                suggestion="0123456789", workspace=str(cli.folder), path=str(file), before=SLOW,
                after=SLOW + "# faster\n", after_sha256="", created=now(),
            )
        )  # fmt: skip
    assert cli("undo", "--json").value["undone"] == ["0123456789"]
    assert file.read_text() == SLOW
    assert cli("undo", "--json").code == 1


def test_two_commands_at_once_on_one_workspace(cli: Cli):
    (cli.folder / "other.py").write_text(SLOW.replace("common", "shared"))
    first = cli.start(*PROVE)
    second = cli.start(PROVE[0], "other.py::shared", *PROVE[2:])
    [one], [two] = proved(first.wait(120)), proved(second.wait(120))
    done = cli("apply", one, two, "--json")
    assert done.code == 0, done.out
    assert done.value["applied"] == [one, two]
    for name in ("slow.py", "other.py"):
        assert "right_set" in (cli.folder / name).read_text()
