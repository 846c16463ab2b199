"""What the worker tests share: a small project on disk, and workers on it at a given level."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent
from typing import Any

from benchmark_runner.receipt import Level
from benchmark_runner.sandbox.limits import Limits
from benchmark_runner.sandbox.policy import Sandbox
from benchmark_runner.sandbox.probe import probe
from benchmark_runner.worker import harness
from benchmark_runner.worker.supervisor import InputsPlan, Mode, Worker, WorkerSpec
from benchmark_runner.workload import Version

LEVELS: tuple[Level, ...] = ("L0", "L1", "L2")[: ("L0", "L1", "L2").index(probe().possible) + 1]
"""The levels that this machine has."""

ONE_CALL = (harness.encode(((), {})),)


@dataclass
class Project:
    """A folder with files, and workers that load one of them."""

    folder: Path
    main: str = "mod.py"
    python: Path = Path(sys.executable)
    level: Level = "L1" if probe().possible != "L0" else "L0"
    limits: Limits = field(default_factory=lambda: Limits(call_s=8, load_s=8, batch_s=8))

    def write(self, name: str, text: str) -> Path:
        """Write a file of the project."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))
        return path

    def spec(
        self,
        called: str = "f",
        *,
        inputs: InputsPlan | None = None,
        stand_in: str | None = None,
        hash_seed: int = 0,
        tripwire: bool = True,
        limits: Limits | None = None,
    ) -> WorkerSpec:
        """A spec for the main file, with one call without arguments unless told otherwise."""
        path = self.folder / self.main
        files = {} if stand_in is None else {path: dedent(stand_in)}
        return WorkerSpec(
            python=self.python,
            path=path,
            called=called,
            version=Version.of(files),
            inputs=inputs or InputsPlan("values", values=ONE_CALL),
            hash_seed=hash_seed,
            project=self.folder,
            limits=limits or self.limits,
            sandbox=Sandbox(self.level, tripwire),
        )

    @contextmanager
    def worker(self, called: str = "f", **given: Any) -> Iterator[Worker]:
        """A loaded worker with its inputs."""
        with Worker.start(self.spec(called, **given)) as worker:
            worker.load()
            worker.make_inputs()
            yield worker

    def calls(self, text: str) -> InputsPlan:
        """Inputs from a file whose text is given."""
        return InputsPlan("file", path=self.write("calls.py", text))


def parts(worker: Worker, i: int = 0, mode: Mode = "full") -> dict[str, Any]:
    """The parts of one observation, of builtin types."""
    found = harness.decode_plain(worker.observe(i, mode=mode).payload)
    assert isinstance(found, dict)
    return found


def short(value: Any) -> str:
    """A value's name in a test's name: the same in every process, so without addresses."""
    return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(value))[:30]
