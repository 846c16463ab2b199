"""How a face joins the engine of a workspace: connect or start, ask, hear progress, cancel.

Needs asyncio, sqlite3 and cattrs only, so the language server can import it.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import hasten
from analysis.errors import Cancelled
from analysis.progress import Progress, silent
from hasten.launcher import child_command, child_environment
from hasten.paths import state_dir
from optimizer.engine import wire
from optimizer.engine.address import engine_folder, peer_is_me, socket_path
from optimizer.engine.connection import Connection
from optimizer.engine.protocol import ALREADY, PROTOCOL, OptimizeSpec, Status
from optimizer.errors import EngineError
from optimizer.results import Results
from optimizer.suggestion import Outcome, outcome_from_json

START_LIMIT_S = 20.0
BUSY_LIMIT_S = 30.0
_CANCEL_LIMIT_S = 5.0
_TAIL = 2_000


class EngineClient:
    """The engine of a workspace as one face sees it. Several tasks may use it at once.

    When the engine is lost, its jobs end with EngineError (code "engine-died") and the next request
    starts a new one.
    """

    def __init__(self, workspace: Path, connection: Connection) -> None:
        self._workspace = workspace
        self._connection = connection
        self._closed = False
        self._renewing = asyncio.Lock()

    @property
    def alive(self) -> bool:
        """Whether the engine of the last request is still there."""
        return not self._connection.lost

    async def optimize(self, spec: OptimizeSpec, on_progress: Progress = silent) -> Outcome:
        """Run one job to its end.

        Cancelling the task cancels the job in the engine. Raises Cancelled when somebody else
        cancelled it, EngineError (code "engine-died") when the engine was lost on the way, and the
        job's own error with its code and mend.
        """
        connection = await self._live()
        answer = await connection.request("job/start", {"spec": wire.spec_to_json(spec)})
        job = str(answer["job"])
        try:
            return await _follow(connection, job, on_progress)
        except asyncio.CancelledError:
            # The job's end is awaited, so that nothing of it runs on.
            with contextlib.suppress(EngineError, Cancelled, asyncio.TimeoutError):
                await connection.request("job/cancel", {"job": job})
                await asyncio.wait_for(_follow(connection, job, silent), _CANCEL_LIMIT_S)
            raise
        finally:
            connection.forget(job)

    async def cancel(self, job: str) -> None:
        """Ask the engine to stop a job (see `status`); its `optimize` raises Cancelled."""
        await self._connection.request("job/cancel", {"job": job})

    async def status(self) -> Status:
        """The engine's process, version and running jobs."""
        return await _status(await self._live())

    async def search(self, text: str, k: int) -> list[dict[str, Any]]:
        """Records of the index that are nearest to a text, best first."""
        return list(await (await self._live()).request("index/search", {"text": text, "k": k}))

    async def stop(self) -> None:
        """Ask the engine to end as soon as nothing runs; it takes no new jobs."""
        await self._connection.request("engine/stop", {})

    async def close(self) -> None:
        """Leave; the engine cancels what this client still runs."""
        self._closed = True
        await self._connection.close()

    async def _live(self) -> Connection:
        """The connection, made anew after the engine was lost."""
        async with self._renewing:
            if self._connection.lost and not self._closed:
                self._connection = await _join(self._workspace)
            return self._connection


async def _follow(connection: Connection, job: str, on_progress: Progress) -> Outcome:
    while True:
        message = await connection.next_of(job)
        if "outcome" in message:
            return outcome_from_json(message["outcome"])
        if "error" in message:
            if message["error"].get("code") == "cancelled":
                raise Cancelled
            raise wire.error_from_json(message["error"])
        percentage = message.get("percentage")
        on_progress(
            str(message.get("message", "")), None if percentage is None else percentage / 100
        )


async def _status(connection: Connection) -> Status:
    try:
        return wire.status_from_json(await connection.request("engine/status", {}))
    except ValueError as error:
        raise connection.broken(str(error)) from error


async def connect_or_start(workspace: Path) -> EngineClient:
    """A client of the workspace's engine, which is started if none answers.

    An engine of another version is asked to end when it is idle, and is replaced. Raises
    EngineError: code "engine-start" with the end of its log, or "engine-busy"; ResultsError when
    the state folder can't be used.
    """
    workspace = workspace.resolve()
    return EngineClient(workspace, await _join(workspace))


@contextlib.asynccontextmanager
async def engine(workspace: Path) -> AsyncIterator[EngineClient]:
    """`connect_or_start` as a context manager."""
    client = await connect_or_start(workspace)
    try:
        yield client
    finally:
        await client.close()


async def _join(workspace: Path) -> Connection:
    """A connection to an engine of this very version."""
    limit = time.monotonic() + BUSY_LIMIT_S
    while True:
        connection = await _connect(workspace) or await _start(workspace)
        try:
            status = await _status(connection)
        except EngineError:  # it was about to end when we came
            await connection.close()
            if time.monotonic() > limit:
                raise
            continue
        if (status.version, status.protocol) == (hasten.__version__, PROTOCOL):
            return connection
        with contextlib.suppress(EngineError):
            await connection.request("engine/stop", {})
        await connection.close()
        if time.monotonic() > limit:
            raise EngineError(
                f"an engine of hasten {status.version} (process {status.pid}) is still busy",
                code="engine-busy",
                mend="wait for its jobs to end, or close the editor that runs them",
            )
        await asyncio.sleep(0.1)


async def _connect(workspace: Path) -> Connection | None:
    path = socket_path(engine_folder(workspace))
    try:
        reader, writer = await asyncio.open_unix_connection(str(path), limit=wire.MAX_LINE)
    except OSError:
        return None
    if not peer_is_me(writer.get_extra_info("socket")):
        writer.close()
        raise EngineError(
            f"{path}: somebody else listens there",
            code="engine-folder",
            mend="remove the folder, or set XDG_RUNTIME_DIR to one of your own",
        )
    return Connection(reader, writer, _log(workspace))


async def _start(workspace: Path) -> Connection:
    """Start an engine in a session of its own and wait until one answers."""
    state = state_dir(workspace)
    Results(state).close()  # a state folder that can't be used is told by its own error
    output = state / "engine.out"
    process = _spawn(workspace, output)
    limit, pause = time.monotonic() + START_LIMIT_S, 0.01
    while time.monotonic() < limit:
        connection = await _connect(workspace)
        if connection is not None:
            return connection
        code = process.poll()
        if code in (0, ALREADY):  # one that was about to end had the lock
            process = _spawn(workspace, output)
        elif code is not None:
            raise _no_engine(workspace, f"it ended with code {code}", output)
        await asyncio.sleep(pause)
        pause = min(0.2, pause * 1.5)
    raise _no_engine(workspace, f"no answer within {START_LIMIT_S:g} s", output)


_started: list[subprocess.Popen[bytes]] = []  # kept, so that each is reaped when it ends


def _spawn(workspace: Path, output: Path) -> subprocess.Popen[bytes]:
    _started[:] = [p for p in _started if p.poll() is None]
    with output.open("wb") as handle:
        process = subprocess.Popen(
            child_command("engine", "--workspace", str(workspace)),
            stdin=subprocess.DEVNULL, stdout=handle, stderr=handle, cwd="/",
            env=child_environment(), start_new_session=True, close_fds=True,
        )  # fmt: skip
    _started.append(process)
    return process


def _log(workspace: Path) -> Path:
    return state_dir(workspace) / "engine.log"


def _no_engine(workspace: Path, why: str, output: Path) -> EngineError:
    said = _tail(output) or _tail(_log(workspace))
    return EngineError(
        f"the engine could not be started: {why}" + (f"\n{said}" if said else ""),
        code="engine-start",
        mend=f"see {_log(workspace)}; `hasten doctor` tells what is missing",
    )


def _tail(path: Path) -> str:
    try:
        return path.read_bytes()[-_TAIL:].decode("utf-8", "replace").strip()
    except OSError:
        return ""
