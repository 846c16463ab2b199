"""What the whole program gains: its wall time before and after, on scratch copies of its folder.

The versions run sandboxed (no network, writing only in the copy), each run in a fresh copy at the
same path, interleaved, so that neither profits from what a run before it left behind.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from analysis.progress import CancelToken, Progress, silent
from benchmark_runner.lock import timing_lock
from benchmark_runner.recording.command import PythonCommand, parse_command
from benchmark_runner.recording.standard_input import StandardInput
from benchmark_runner.sandbox.layout import layout_of
from benchmark_runner.sandbox.leftovers import own_folder
from benchmark_runner.sandbox.program import ProgramRun, run_program
from benchmark_runner.workload import Version

MOST_BYTES = 500_000_000
_MOST_FILES = 100_000
_SHORT_S = 10.0
_PLAIN = 1.2
_PLAIN_S = 2.0
"""Runs that lie farther apart than this need not be repeated, unless that costs next to nothing."""
_ROUND = ("before", "after", "after", "before")
_MOST_ROUNDS = 3
_LEFT_OUT = frozenset({
    ".git", ".hg", ".svn", ".venv", "node_modules", ".mypy_cache", ".pytest_cache", ".ruff_cache",
    ".hypothesis", ".tox", ".nox", ".cache", ".ipynb_checkpoints",
})  # fmt: skip


@dataclass(frozen=True)
class WholeRun:
    """The program's least wall seconds in either version, over `pairs` interleaved pairs.

    The least, since whatever else a machine does only adds to it.
    """

    before_s: float
    after_s: float
    pairs: int


class _NotMeasured(Exception):
    """The run can't be measured; the text says why."""


def measure_run(
    command: Sequence[str],
    cwd: Path,
    workspace: Path,
    before: Version,
    after: Version,
    *,
    python: Path,
    stdin: StandardInput | None = None,
    timeout_s: float = 600.0,
    progress: Progress = silent,
    cancel: CancelToken | None = None,
) -> WholeRun | str:
    """Time the program with the files of `before` and of `after`; or the reason why not.

    Each run may take `timeout_s` seconds. A run shorter than 10 s is timed twice in either version
    (before, after, after, before), and up to six times while all runs together took less than
    that; a longer one once. The exit code and what is written to
    standard output must be the same. Each run reads what the recorded runs could read of `stdin`.
    Raises WorkloadError for a command that is no Python
    program, InterpreterError, Cancelled.
    """
    parsed = parse_command(command, cwd, python)
    why = stdin.why_not_again() if stdin is not None else None
    if why is not None:
        return f"`{parsed.shown}`: {why}"
    cancel = cancel or CancelToken()
    workspace = workspace.resolve()
    with tempfile.TemporaryDirectory(prefix="hasten-run-", dir=own_folder()) as folder:
        # A path of the same depth for every run: programs print and compare paths.
        scratch = _Scratch(workspace, Path(folder).resolve(), parsed, cwd.resolve(), stdin)
        try:
            progress(f"copying {workspace.name} for a run of the whole program", None)
            scratch.take_copy(cancel)
            with timing_lock(progress, cancel):
                return _interleaved(scratch, before, after, timeout_s, progress, cancel)
        except _NotMeasured as reason:
            return str(reason)


def _interleaved(
    scratch: _Scratch,
    before: Version,
    after: Version,
    timeout_s: float,
    progress: Progress,
    cancel: CancelToken,
) -> WholeRun:
    """Run B A, and A B and more of both when that is affordable; compare what they did."""
    shown = scratch.command.shown
    times: dict[str, list[float]] = {"before": [], "after": []}
    expected: ProgramRun | None = None
    for number, name in enumerate(_ROUND * _MOST_ROUNDS):
        spent = [*times["before"], *times["after"]]
        if len(times["after"]) == 1 and max(spent) >= _SHORT_S:
            break
        if number and number % len(_ROUND) == 0:
            plain = max(times["after"]) * _PLAIN < min(times["before"])
            if (plain and sum(spent) >= _PLAIN_S) or sum(spent) >= _SHORT_S:
                break
        progress(f"running {shown} ({name} the edits, sandboxed)", None)
        version = before if name == "before" else after
        run = scratch.run(version, timeout_s, cancel)
        if run.timed_out:
            raise _NotMeasured(f"`{shown}` {name} the edits did not end within {timeout_s:.0f} s")
        if expected is None:
            expected = run
            if run.exit_code != 0:
                last = run.stderr.strip().rpartition("\n")[2]
                raise _NotMeasured(
                    f"`{shown}` does not run in the sandbox (exit code {run.exit_code}: {last})"
                )
        if run.exit_code != expected.exit_code:
            raise _NotMeasured(
                f"`{shown}` ends with exit code {run.exit_code} {name} the edits, "
                f"with {expected.exit_code} at first"
            )
        if run.stdout_sha256 != expected.stdout_sha256:
            what = "after the edits it prints something else" if name == "after" else (
                "it prints something else each time"
            )  # fmt: skip
            raise _NotMeasured(f"`{shown}`: {what}, so no gain of the whole run is claimed")
        times[name].append(run.wall_s)
    return WholeRun(min(times["before"]), min(times["after"]), len(times["after"]))


class _Scratch:
    """A pristine copy of the workspace, and the path where each run finds a copy of that."""

    def __init__(
        self,
        workspace: Path,
        folder: Path,
        command: PythonCommand,
        cwd: Path,
        stdin: StandardInput | None,
    ) -> None:
        self.stdin = stdin
        self.workspace = workspace
        self.pristine = folder / "pristine"
        self.place = folder / "run"
        self.original_cwd = cwd
        self.command = command

    def inside(self, text: str) -> str:
        """A path of the workspace as it is called in the copy; any other text as it is."""
        path = Path(text)
        if path.is_absolute() and path.resolve().is_relative_to(self.workspace):
            return str(self.place / path.resolve().relative_to(self.workspace))
        return text

    def take_copy(self, cancel: CancelToken) -> None:
        """Copy the workspace without version control, environments and caches."""
        if not self.original_cwd.is_relative_to(self.workspace):
            raise _NotMeasured(
                f"it runs in {self.original_cwd}, outside the workspace {self.workspace}"
            )
        budget = _Budget(cancel)
        _copy(self.workspace, self.pristine, self.workspace, budget)

    def run(self, version: Version, timeout_s: float, cancel: CancelToken) -> ProgramRun:
        """One run of a version in a fresh copy."""
        shutil.copytree(self.pristine, self.place, symlinks=True)
        try:
            self._put_in(version)
            target = self.command.target
            target = self.inside(target) if self.command.kind == "script" else target
            arguments = tuple(self.inside(a) for a in self.command.arguments)
            command = replace(self.command, target=target, arguments=arguments)
            readable = [Path(target).parent] if Path(target).is_absolute() else []
            return run_program(
                command.argv(),
                cwd=Path(self.inside(str(self.original_cwd))),
                python=command.python,
                stdin=self.stdin.whole() if self.stdin is not None else None,
                writable=[self.place],
                readable=readable,
                extra_environment=self._environment(),
                timeout_s=timeout_s,
                cancel=cancel,
            )
        finally:
            shutil.rmtree(self.place, ignore_errors=True)

    def _put_in(self, version: Version) -> None:
        for name, text in version.files:
            path = Path(name).resolve()
            if not path.is_relative_to(self.workspace):
                raise _NotMeasured(f"{path} is edited, which is outside {self.workspace}")
            copy = self.place / path.relative_to(self.workspace)
            if not copy.is_file():
                raise _NotMeasured(f"{path} is edited, which is not copied for a sandboxed run")
            copy.write_text(text, encoding=_encoding_of(copy), newline="")

    def _environment(self) -> dict[str, str]:
        """Folders of the workspace on the user's path (editable installs), as in the copy.

        They would be imported from the workspace itself otherwise, and not be the version in
        question.
        """
        folders: list[str] = []
        users = [p for p in os.environ.get("PYTHONPATH", "").split(os.pathsep) if p]
        for path in (*map(Path, users), *layout_of(self.command.python).readable):
            inside = Path(self.inside(str(path)))
            if inside == path or not inside.is_dir():
                continue
            folders.append(str(inside.parent if (inside / "__init__.py").exists() else inside))
        return {"PYTHONPATH": os.pathsep.join(dict.fromkeys(folders))} if folders else {}


def _encoding_of(path: Path) -> str:
    """The encoding that the file declares."""
    import tokenize

    with path.open("rb") as file:
        return tokenize.detect_encoding(file.readline)[0]


class _Budget:
    """How much may still be copied."""

    def __init__(self, cancel: CancelToken) -> None:
        self.cancel = cancel
        self.bytes = MOST_BYTES
        self.files = _MOST_FILES

    def take(self, size: int) -> None:
        """Count one file. Raises _NotMeasured at the cap, Cancelled."""
        self.cancel.check()
        self.bytes -= size
        self.files -= 1
        if self.bytes < 0 or self.files < 0:
            raise _NotMeasured(
                f"the workspace is larger than {MOST_BYTES // 1_000_000} MB or {_MOST_FILES} files"
            )


def _is_left_out(entry: os.DirEntry[str]) -> bool:
    if entry.name in _LEFT_OUT:
        return True
    return entry.is_dir(follow_symlinks=False) and (Path(entry.path) / "pyvenv.cfg").is_file()


def _copy(source: Path, target: Path, root: Path, budget: _Budget) -> None:
    """Copy a folder; links are kept where they lead to a place in the copy, else left out."""
    target.mkdir(parents=True)
    for entry in os.scandir(source):
        if _is_left_out(entry):
            continue
        path, copy = Path(entry.path), target / entry.name
        if entry.is_symlink():
            link = path.readlink()
            if not link.is_absolute() and path.resolve().is_relative_to(root):
                copy.symlink_to(link)
        elif entry.is_dir(follow_symlinks=False):
            _copy(path, copy, root, budget)
        elif entry.is_file(follow_symlinks=False):
            try:
                budget.take(entry.stat(follow_symlinks=False).st_size)
                shutil.copy2(path, copy)
            except OSError as error:
                raise _NotMeasured(f"{path} can't be copied: {error}") from error
