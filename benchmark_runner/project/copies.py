"""Runs commands on copies of a tree: each run in a fresh copy of its version at the same path."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from analysis.progress import CancelToken
from benchmark_runner.project import instrument
from benchmark_runner.project.junit import TestOutcome, merged
from benchmark_runner.project.metrics import Reading
from benchmark_runner.project.trees import (
    Copied,
    files_below,
    is_harness,
    materialise,
    take_harness,
)
from benchmark_runner.sandbox.files import remove_folder
from benchmark_runner.sandbox.layout import layout_of
from benchmark_runner.sandbox.limits import Limits
from benchmark_runner.sandbox.program import ProgramRun, run_program
from benchmark_runner.workload import CommandWorkload, Version

_SCRATCH_BYTES = _FILE_BYTES = 1 << 30
_SYSTEM = (Path("/usr"), Path("/bin"), Path("/sbin"), Path("/lib"), Path("/lib64"))


@dataclass(frozen=True)
class Ran:
    """One run of a command: how it ended, and what it told."""

    run: ProgramRun
    tests: dict[str, TestOutcome] = field(default_factory=dict)
    reading: Reading | None = None

    @property
    def ok(self) -> bool:
        """Whether it ended by itself with exit code 0."""
        return self.run.exit_code == 0 and not self.run.timed_out

    def how(self, timeout_s: float) -> str:
        """How it failed, in words; hostile text is shortened and made printable."""
        if self.run.timed_out:
            return f"did not end within {timeout_s:.0f} s"
        lines = [*self.run.stdout.strip().splitlines(), *self.run.stderr.strip().splitlines()]
        last = "".join(c if c.isprintable() else " " for c in lines[-1])[:200] if lines else ""
        return f"ended with exit code {self.run.exit_code}" + (f": {last}" if last else "")


class Copies:
    """Pristine copies of the versions of a tree below `folder`, made once for each version.

    The tests and benchmarks of every version are the original's unless the workload says
    `own_tests`; after a version's setup they are put back, whatever it did to them.
    """

    def __init__(
        self, workload: CommandWorkload, folder: Path, python: Path, cancel: CancelToken
    ) -> None:
        self._workload, self._folder, self._python = workload, folder, python
        self._cancel = cancel
        self._made: dict[Version, Path] = {}
        self._copied: dict[Version, Copied] = {}
        self._count = 0
        self._place = folder / "run" / (workload.tree.name or "tree")
        self._outbox = folder / "out"

    def copied(self, version: Version) -> Copied:
        """What a version's files are, before its setup. Raises WorkloadError, Cancelled."""
        if version not in self._copied:
            self._of(version)
        return self._copied[version]

    def _of(self, version: Version) -> Path:
        if version not in self._made:
            self._count += 1
            pristine = self._folder / f"version-{self._count}"
            copied = materialise(
                self._workload.tree, version, self._workload.keep, pristine, self._cancel
            )
            if version != self._workload.before and not self._workload.own_tests:
                sources = self._folder / "harness"
                take_harness(sources, pristine)
            elif version == self._workload.before:
                self._keep_harness(pristine)
            self._made[version], self._copied[version] = pristine, copied
        return self._made[version]

    def _keep_harness(self, pristine: Path) -> None:
        """The original's tests and benchmarks as they are before any command ran."""
        for name in files_below(pristine):
            if is_harness(name):
                copy = self._folder / "harness" / name
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(pristine / name, copy, follow_symlinks=False)
        (self._folder / "harness").mkdir(exist_ok=True)

    def forget(self, version: Version) -> None:
        """Remove the copy of a version that is not needed any more."""
        if version in self._made and version != self._workload.before:
            remove_folder(self._made.pop(version))

    def set_up(self, version: Version) -> Ran | None:
        """Run the workload's setup for a version; its tree afterwards is what is run from."""
        words = self._workload.setup
        if words is None:
            return None
        pristine = self._of(version)
        own = {n: (pristine / n).read_bytes() for n in files_below(pristine)
               if is_harness(n) and (pristine / n).is_file()}  # fmt: skip
        try:
            self._fresh(version)
            ran = Ran(self._execute(instrument.Instrumented(words, {})))
            if ran.ok:
                remove_folder(pristine)
                self._place.rename(pristine)
                for name, data in own.items():
                    path = pristine / name
                    if not path.is_file() or path.is_symlink() or path.read_bytes() != data:
                        _replace(path, data)
            return ran
        finally:
            self._clear()

    def test(self, version: Version) -> Ran:
        """One run of the test command."""
        try:
            self._fresh(version)
            run = self._execute(instrument.for_tests(self._workload.test or (), self._outbox))
            return Ran(run, tests=merged(instrument.test_reports(self._outbox)))
        finally:
            self._clear()

    def benchmark(self, version: Version) -> Ran:
        """One run of the benchmark command."""
        words, metric = self._workload.benchmark, self._workload.metric
        try:
            self._fresh(version)
            line = instrument.for_benchmark(words, self._place, self._outbox, metric)
            run = self._execute(line)
            reading = instrument.reading_of(words, self._place, self._outbox, run.stdout, metric)
            return Ran(run, reading=reading)
        finally:
            self._clear()

    def _fresh(self, version: Version) -> None:
        """The version at the one path where everything runs: paths may be printed and compared."""
        self._cancel.check()
        pristine = self._of(version)
        self._clear()
        self._place.parent.mkdir(exist_ok=True)
        self._outbox.mkdir()
        (self._outbox / "gtest").mkdir()
        shutil.copytree(pristine, self._place, symlinks=True)

    def _clear(self) -> None:
        for folder in (self._place, self._outbox):
            if folder.exists():
                remove_folder(folder)

    def _execute(self, line: instrument.Instrumented) -> ProgramRun:
        # No limit on CPU seconds: with one, a benchmark's own CPU clock moves by timer ticks.
        limits = Limits(scratch_bytes=_SCRATCH_BYTES, file_bytes=_FILE_BYTES, total_cpu_s=0)
        tools, path = _tools(line.words, self._workload.tree)
        return run_program(
            line.words,
            cwd=self._place,
            python=self._python,
            writable=[self._place, self._outbox],
            readable=tools,
            extra_environment={**line.environment, **self._environment(), "PATH": path},
            timeout_s=self._workload.timeout_s,
            limits=limits,
            cancel=self._cancel,
        )

    def _environment(self) -> dict[str, str]:
        """Editable installs of the tree, led to the copy: they would import the user's files."""
        tree, folders = self._workload.tree.resolve(), []
        for path in layout_of(self._python).readable:
            real = path.resolve()
            if not real.is_relative_to(tree) or real == tree / ".venv":
                continue
            inside = self._place / real.relative_to(tree)
            if inside.is_dir() and not (real / "pyvenv.cfg").exists():
                folders.append(inside.parent if (inside / "__init__.py").exists() else inside)
        names = dict.fromkeys(map(str, folders))
        return {"PYTHONPATH": os.pathsep.join(names)} if names else {}


def _replace(path: Path, data: bytes) -> None:
    """Put a file back, whatever stands in its place."""
    if path.is_dir() and not path.is_symlink():
        remove_folder(path)
    elif path.exists() or path.is_symlink():
        path.unlink()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _tools(words: Sequence[str], tree: Path) -> tuple[list[Path], str]:
    """Folders to read for the program that a command names, and the PATH it runs with."""
    system = "/usr/local/bin:/usr/bin:/bin"
    found = shutil.which(words[0]) if os.sep not in words[0] else None
    if found is None or Path(found).is_relative_to(tree):
        return [], system
    real = Path(found).resolve()
    folders = [
        folder
        for folder in (Path(found).parent, real.parent)
        if not any(folder.is_relative_to(one) for one in _SYSTEM)
    ]
    return list(dict.fromkeys(folders)), ":".join([system, *map(str, dict.fromkeys(folders[:1]))])
