"""`hasten engine --workspace PATH`: the one process that searches and proves for a workspace.

It starts light: what only a job needs (rules, benchmarks, Chroma, litellm) is imported by the
first job that needs it.
"""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import logging
import logging.handlers
import os
import shutil
import signal
import sys
from pathlib import Path

from analysis.errors import HastenError
from hasten.paths import state_dir, workspace_of
from optimizer.engine.address import engine_folder, lock_path, socket_path
from optimizer.engine.protocol import ALREADY, JOB_FOLDERS
from optimizer.engine.service import Service
from optimizer.results import Results

logger = logging.getLogger("optimizer.engine")

IDLE_S = 60.0


def main(argv: list[str]) -> int:
    """Run the engine until it has been idle. Returns ALREADY where there is one."""
    parser = argparse.ArgumentParser(prog="hasten engine")
    parser.add_argument("--workspace", type=Path, default=None)
    workspace = parser.parse_args(argv).workspace or workspace_of(Path.cwd())
    workspace = workspace.resolve()
    try:
        folder = engine_folder(workspace)
        lock = _take_lock(lock_path(folder))
        if lock is None:
            return ALREADY
        state = state_dir(workspace)
        _log_to(state)
        asyncio.run(_serve(workspace, state, socket_path(folder)))
    except HastenError as error:
        print(f"hasten engine: {error.message} ({error.mend})", file=sys.stderr)
        return error.exit_code
    logger.info("engine %d ends", os.getpid())
    # A job that hears no cancel must not keep the process: its children die with their pipes.
    logging.shutdown()
    os._exit(0)


def _take_lock(path: Path) -> int | None:
    """The lock's descriptor, held until this process ends, or None while another one has it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def _log_to(state: Path) -> None:
    """The engine's own log; a state folder that can't be written logs to stderr."""
    handler: logging.Handler
    try:
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        handler = logging.handlers.RotatingFileHandler(
            state / "engine.log", maxBytes=1_000_000, backupCount=2, encoding="utf-8"
        )
    except OSError:
        handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.INFO)


async def _serve(workspace: Path, state: Path, path: Path) -> None:
    # The state folder is made before anybody can connect; where it can't be written, the first
    # client must hear so and not only find no engine.
    results = Results(state)
    cut_off = results.fail_orphans("the engine that ran it was killed")
    for left in state.glob(f"{JOB_FOLDERS}*"):
        shutil.rmtree(left, ignore_errors=True)
    from optimizer.engine.work import Works  # light itself; its imports come with the first job

    works = Works(workspace, state, results)
    idle_s = float(os.environ.get("HASTEN_ENGINE_IDLE_S", IDLE_S))
    service = Service(works.optimize, works.search, results, idle_s)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, service.stop)
    logger.info("engine %d serves %s (%d jobs were cut off)", os.getpid(), workspace, cut_off)
    await service.run(path)
    results.close()
