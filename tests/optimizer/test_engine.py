"""The engine over real processes: joined, shared, killed, cancelled, replaced."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import pytest

from analysis.errors import Cancelled, HastenError
from hasten.launcher import child_command, child_environment
from hasten.paths import state_dir
from optimizer.engine import wire
from optimizer.engine.address import engine_folder, lock_path, socket_path
from optimizer.engine.protocol import ALREADY, ModelSpec, OptimizeSpec
from optimizer.errors import EngineError
from optimizer.results import Results
from server.engine_client import EngineClient, connect_or_start, engine


async def until(condition, seconds: float = 10.0) -> None:  # type: ignore[no-untyped-def]
    """Poll for something that another process does."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if await condition() if asyncio.iscoroutinefunction(condition) else condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it did not happen in time")


async def running(client: EngineClient, spec: OptimizeSpec) -> asyncio.Task[object]:
    """A job that has begun."""
    heard: list[str] = []
    task: asyncio.Task[object] = asyncio.ensure_future(
        client.optimize(spec, lambda message, share=None: heard.append(message))
    )
    await until(lambda: heard or task.done())
    if task.done():
        task.result()
    return task


async def test_two_clients_share_one_engine(workspace: Path) -> None:
    first, second = await asyncio.gather(connect_or_start(workspace), connect_or_start(workspace))
    try:
        one, two = await first.status(), await second.status()
        assert one.pid == two.pid != os.getpid()
        assert two.clients == 2
    finally:
        await first.close()
        await second.close()


async def test_a_second_engine_sees_the_first_and_leaves(workspace: Path) -> None:
    async with engine(workspace):
        command = child_command("engine", "--workspace", str(workspace))
        second = await asyncio.create_subprocess_exec(*command, env=child_environment())
        assert await asyncio.wait_for(second.wait(), 10) == ALREADY


async def test_it_starts_light(workspace: Path) -> None:
    """The modules of an engine that is connected to but has no job yet."""
    code = (
        "import sys, asyncio, json, os\n"
        "sys.argv = ['hasten', 'engine', '--workspace', sys.argv[1]]\n"
        "from hasten.launcher import main\n"
        "os._exit = lambda code: None\n"
        "main()\n"
        "print(json.dumps(sorted(m.split('.')[0] for m in sys.modules)))\n"
    )
    env = {**child_environment(), "HASTEN_ENGINE_IDLE_S": "0.1",
           "PYTHONPATH": str(Path(__file__).parents[2])}  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", code, str(workspace)], env=env, capture_output=True, text=True,
        timeout=30, check=True,
    )  # fmt: skip
    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    heavy = {"chromadb", "litellm", "numpy", "ast_grep_py", "pydantic", "typer", "onnxruntime",
             "pygls", "lsprotocol", "hypothesis", "httpx", "tree_sitter"}  # fmt: skip
    assert not heavy & loaded
    assert "optimizer" in loaded


async def test_it_ends_when_its_last_client_is_gone(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HASTEN_ENGINE_IDLE_S", "0.2")
    async with engine(workspace) as client:
        pid = (await client.status()).pid
    await until(lambda: not _alive(pid))
    assert not socket_path(engine_folder(workspace)).exists()


def _alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):  # collected, perhaps while we read
        return False
    return stat.rsplit(")", 1)[1].split()[0] != "Z"


async def test_a_killed_engine_is_told_at_once_and_the_next_request_has_a_new_one(
    workspace: Path, sleeper: OptimizeSpec
) -> None:
    async with engine(workspace) as client:
        old = (await client.status()).pid
        job = await running(client, sleeper)
        os.kill(old, signal.SIGKILL)
        with pytest.raises(EngineError) as caught:
            await asyncio.wait_for(job, 2)
        assert caught.value.code == "engine-died"
        assert (await client.status()).pid != old
        jobs = Results(state_dir(workspace)).jobs()
        assert [j.state for j in jobs] == ["failed"]
        assert "killed" in jobs[0].message


async def test_cancelling_the_task_ends_the_job_in_the_engine(
    workspace: Path, sleeper: OptimizeSpec
) -> None:
    async with engine(workspace) as client:
        job = await running(client, sleeper)
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(job, 2)
        assert (await client.status()).jobs == ()
        assert Results(state_dir(workspace)).jobs()[0].state == "cancelled"


async def test_another_client_can_cancel_a_job(workspace: Path, sleeper: OptimizeSpec) -> None:
    async with engine(workspace) as client, engine(workspace) as other:
        job = await running(client, sleeper)
        (id,) = (await other.status()).jobs
        await other.cancel(id)
        with pytest.raises(Cancelled):
            await asyncio.wait_for(job, 2)


async def test_the_jobs_of_a_vanished_client_are_cancelled(
    workspace: Path, sleeper: OptimizeSpec
) -> None:
    async with engine(workspace) as watcher:
        client = await connect_or_start(workspace)
        job = await running(client, sleeper)
        assert len((await watcher.status()).jobs) == 1
        await client.close()
        with pytest.raises(EngineError):
            await job

        async def idle() -> bool:
            return (await watcher.status()).jobs == ()

        await until(idle, 2)


async def test_sigterm_ends_jobs_and_says_so(workspace: Path, sleeper: OptimizeSpec) -> None:
    async with engine(workspace) as client:
        job = await running(client, sleeper)
        os.kill((await client.status()).pid, signal.SIGTERM)
        with pytest.raises((Cancelled, EngineError)):
            await asyncio.wait_for(job, 5)


async def test_bad_input_arrives_as_it_was_raised(workspace: Path) -> None:
    (workspace / "m.py").write_text("def f():\n    return 1\n")
    spec = OptimizeSpec(str(workspace), str(workspace / "m.py"), "nobody", sys.executable)
    async with engine(workspace) as client:
        with pytest.raises(HastenError) as caught:
            await client.optimize(spec)
    assert (caught.value.code, caught.value.exit_code) == ("function-unknown", 2)
    assert "f" in caught.value.mend


async def test_an_engine_of_another_version_is_replaced(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with engine(workspace) as client:
        old = (await client.status()).pid
    monkeypatch.setattr("hasten.__version__", "9.9.9")

    with pytest.raises(EngineError):  # this checkout can only start the engine it has
        monkeypatch.setattr("server.engine_client.BUSY_LIMIT_S", 3.0)
        await connect_or_start(workspace)
    await until(lambda: not _alive(old))


async def test_a_dead_socket_is_no_obstacle(workspace: Path) -> None:
    path = socket_path(engine_folder(workspace))
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(path))
    dead.close()
    async with engine(workspace) as client:
        assert (await client.status()).pid


async def test_only_this_user_can_enter(workspace: Path) -> None:
    async with engine(workspace):
        folder = engine_folder(workspace)
        assert folder.stat().st_mode & 0o777 == 0o700
        assert socket_path(folder).stat().st_mode & 0o077 == 0
        assert lock_path(folder).stat().st_mode & 0o077 == 0


async def test_a_planted_folder_is_refused(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as runtime:  # a socket's path must be short
        (Path(runtime) / "hasten").symlink_to(tmp_path)
        monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)
        with pytest.raises(EngineError) as caught:
            await connect_or_start(workspace)
    assert caught.value.code == "engine-folder"


async def test_an_engine_that_cannot_start_says_why(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "server.engine_client.child_command",
        lambda *a: [sys.executable, "-c", "import sys; sys.exit('no such module: x')"],
    )
    with pytest.raises(EngineError) as caught:
        await connect_or_start(workspace)
    assert caught.value.code == "engine-start"
    assert "no such module: x" in caught.value.message


async def test_a_line_that_is_no_json_closes_only_its_connection(workspace: Path) -> None:
    async with engine(workspace) as client:
        reader, writer = await asyncio.open_unix_connection(
            str(socket_path(engine_folder(workspace)))
        )
        writer.write(b"hello\n")
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()
        assert (await client.status()).clients == 1


def test_a_spec_crosses_unchanged(sleeper: OptimizeSpec) -> None:
    spec = replace(sleeper, model=ModelSpec("openai/x", "http://h", "key"), ignore=("a",))
    assert wire.spec_from_json(json.loads(json.dumps(wire.spec_to_json(spec)))) == spec
    with pytest.raises(ValueError, match="spec"):
        wire.spec_from_json({"workspace": 3})


def test_the_key_of_a_model_is_not_printed() -> None:
    assert "secret" not in repr(ModelSpec("m", None, "secret"))


async def test_a_job_is_proved_in_the_engine_and_cancelled_while_it_times(workspace: Path) -> None:
    (workspace / "m.py").write_text(
        "def f(items, wanted):\n    return [x for x in items if x in wanted]\n"
    )
    (workspace / "given.py").write_text(
        "def inputs():\n    return [((list(range(n)), list(range(n))), {}) for n in (300, 400)]\n"
    )
    spec = OptimizeSpec(
        str(workspace), str(workspace / "m.py"), "f", sys.executable,
        inputs_file=str(workspace / "given.py"), budget=1,
    )  # fmt: skip
    async with engine(workspace) as client:
        heard: list[str] = []
        job = asyncio.ensure_future(client.optimize(spec, lambda m, s=None: heard.append(m)))
        await until(lambda: job.done() or any("timing" in m for m in heard), 60)
        assert not job.done()
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(job, 5)
        assert (await client.status()).jobs == ()
        outcome = await client.optimize(spec)
    assert [s.function for s in outcome.suggestions] == ["f"]
    assert Results(state_dir(workspace)).get(outcome.suggestions[0].id) == outcome.suggestions[0]


def test_the_client_is_light_enough_for_a_language_server() -> None:
    code = (
        "import sys, json, server.engine_client, optimizer.results, optimizer.suggestion\n"
        "print(json.dumps(sorted({m.split('.')[0] for m in sys.modules})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    loaded = set(json.loads(done.stdout))
    heavy = {"chromadb", "litellm", "numpy", "ast_grep_py", "pydantic", "typer", "rich", "pyflakes"}
    assert not heavy & loaded
    assert "index" not in loaded
