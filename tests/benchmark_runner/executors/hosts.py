"""A dask cluster of processes on this machine, each worker as if it were a host of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
_QUIET = {
    "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0",
    "DASK_DISTRIBUTED__LOGGING__DISTRIBUTED": "warning",
}


def wait_until(true: Callable[[], object], what: str, seconds: float = 120) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, f"never came: {what}"
        time.sleep(0.02)


@dataclass
class Hosts:
    """A scheduler and its workers; all of them are gone at the end."""

    folder: Path
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    workers: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def __enter__(self) -> Hosts:
        self._start("scheduler", ["--host", "127.0.0.1", "--port", "0", "--no-dashboard"], {})
        wait_until(self._file.exists, "the scheduler")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for process in reversed(self.processes):
            process.kill()
            process.wait()

    @property
    def _file(self) -> Path:
        return self.folder / "scheduler.json"

    @property
    def address(self) -> str:
        told = json.loads(self._file.read_text())
        return str(told["address"])

    def add(self, name: str, *, slot: bool = True, **env: str) -> subprocess.Popen[bytes]:
        """A worker with a runtime folder, and so with a timing lock, of its own."""
        runtime = self.folder / name
        runtime.mkdir(exist_ok=True)
        values = {"XDG_RUNTIME_DIR": str(runtime), "HASTEN_JOB_LOG": str(self.log(name)), **env}
        line = ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--memory-limit", "0"]
        line += ["--name", name, "--local-directory", str(runtime)]
        line += ["--resources", "bench=1"] if slot else []
        self.workers[name] = self._start("worker", line, values)
        return self.workers[name]

    def _start(self, what: str, line: list[str], env: Mapping[str, str]) -> subprocess.Popen[bytes]:
        module = f"distributed.cli.dask_{what}"
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", module, *line, "--scheduler-file", str(self._file)],
                cwd=ROOT, env={**os.environ, **_QUIET, "PYTHONPATH": str(ROOT), **env},
                stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        self.processes.append(process)
        return process

    def kill(self, name: str) -> None:
        """End a worker without any warning."""
        self.workers[name].send_signal(signal.SIGKILL)

    def log(self, name: str) -> Path:
        return self.folder / f"{name}.jobs"

    def events(self, name: str) -> list[dict[str, Any]]:
        """What jobs wrote on this host."""
        try:
            return [json.loads(line) for line in self.log(name).read_text().splitlines()]
        except OSError:
            return []

    def runs(self, name: str) -> list[tuple[float, float, int]]:
        """Start, end and process of every job of a host; the end is infinite where none came."""
        ends = {(e["job"], e["pid"]): e["at"] for e in self.events(name) if e["event"] == "end"}
        return [
            (e["at"], ends.get((e["job"], e["pid"]), float("inf")), e["pid"])
            for e in self.events(name) if e["event"] == "start"
        ]  # fmt: skip

    def overlaps(self, name: str) -> int:
        """Pairs of jobs of a host that ran at the same time; a killed one ends with its host."""
        runs = sorted(self.runs(name))
        return sum(second[0] < first[1] for first, second in pairwise(runs))
