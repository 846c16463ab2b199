"""Runs the user's own program: once under a profiler, once to capture what functions are called on.

It is the user's program, so it runs as they run it: their environment, their files, no sandbox.
What it leaves behind (a profile, pickled calls) is data that only bounded readers and sandboxed
workers open.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import marshal
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from analysis.errors import AnalysisError
from analysis.profiles.load import load_profile
from analysis.profiles.sources import Sources, relative_to, take_sources
from analysis.profiles.store import sidecar_of, sources_folder, write_sidecar
from analysis.progress import CancelToken, Progress, silent
from benchmark_runner.errors import WorkloadError
from benchmark_runner.recording import processes
from benchmark_runner.recording.command import PythonCommand, parse_command
from benchmark_runner.recording.standard_input import StandardInput
from benchmark_runner.recording.whole_run import WholeRun, measure_run
from benchmark_runner.sandbox.leftovers import own_folder

__all__ = [
    "Capture",
    "RecordedRun",
    "WholeRun",
    "capture_inputs",
    "measure_run",
    "record_profile",
    "stored_capture",
]

RECORDER = Path(__file__).with_name("recorder.py")
MANIFEST = "manifest.json"
_MANIFEST_SCHEMA = 1
_MANIFEST_BYTES = 1 << 20
_SLOWER_RUN = 3.0  # a captured run may take this many times the time limit of a plain one


@dataclass(frozen=True)
class RecordedRun:
    """A run that was profiled.

    `seconds` is wall time under the profiler, `threads` how many threads were started, `notes`
    what the reader of the profile should know.
    """

    profile: Path
    sidecar: Path
    seconds: float
    threads: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Capture:
    """Calls of one function, kept in `folder` as pickles that only sandboxed workers read.

    `count` calls are kept, out of `calls`; `skipped` is how many could not be kept, and `reason`
    says why, or why there are none.
    """

    folder: Path
    count: int
    calls: int
    skipped: int
    reason: str | None


def failed(command: PythonCommand, ended: processes.Finished, doing: str) -> WorkloadError:
    if ended.timed_out:
        return WorkloadError(
            f"workload `{command.shown}` {ended.how} {doing}",
            code="workload-timeout",
            mend="give a workload that ends by itself, with less to do, or a longer --timeout",
        )
    last = ended.last_lines()
    return WorkloadError(
        f"workload `{command.shown}` {ended.how} {doing}" + (f":\n{last}" if last else ""),
        code="workload-failed",
        mend=f"run it by itself until it succeeds: {command.shown}",
    )


def run_recorder(
    command: PythonCommand,
    config: Mapping[str, Any],
    cwd: Path,
    *,
    timeout_s: float,
    doing: str,
    progress: Progress,
    cancel: CancelToken | None,
    around: Callable[[Sequence[str]], Sequence[str]] = tuple,
    mute: re.Pattern[bytes] | None = None,
    stdin: StandardInput | None = None,
) -> processes.Finished:
    """Run the program inside `recorder.py`. Raises WorkloadError when it fails or never ends, or
    would read something else than in the run before.

    `around` makes the command line that is run of the recorder's: a sampler's, for one; `mute` is
    what that says itself.
    """
    why = stdin.why_not_again() if stdin is not None else None
    if why is not None:
        raise WorkloadError(
            f"workload `{command.shown}` was not run again for {doing}: {why}",
            code="workload-input-gone",
            mend="redirect a file to its standard input",
        )
    theirs, ours = os.pipe()
    whole = {
        "lifeline": theirs,
        "kind": command.kind,
        "target": command.target,
        "arguments": list(command.arguments),
        "argv": command.argv(),
        **config,
    }
    with tempfile.TemporaryDirectory(prefix="hasten-", dir=own_folder()) as folder:
        file = Path(folder) / "recorder.marshal"
        file.write_bytes(marshal.dumps(whole, 2))
        try:
            ended = processes.run(
                around([str(command.python), *command.flags, str(RECORDER), str(file)]),
                cwd,
                label=f"{doing} {command.shown}",
                timeout_s=timeout_s,
                progress=progress,
                cancel=cancel,
                pass_fds=(theirs,),
                mute=mute,
                stdin=stdin,
            )
        except OSError as error:
            raise WorkloadError(
                f"workload `{command.shown}` can't be started in {cwd}: {error}",
                code="workload-failed",
                mend="check the interpreter and the folder",
            ) from error
        finally:
            os.close(theirs)
            os.close(ours)
    if ended.timed_out or ended.code != 0:
        raise failed(command, ended, f"while it was run for {doing}")
    return ended


def record_profile(
    command: Sequence[str],
    cwd: Path,
    out: Path,
    *,
    python: Path,
    workspace: Path | None = None,
    stdin: StandardInput | None = None,
    timeout_s: float = 600.0,
    progress: Progress = silent,
    cancel: CancelToken | None = None,
) -> RecordedRun:
    """Run the program under cProfile and write `out` (pstats) and its sidecar, the sidecar last.

    The program reads `stdin`, or nothing. Raises WorkloadError (codes workload-unsupported,
    workload-failed, workload-timeout, workload-no-profile, workload-input-gone) or Cancelled; then
    nothing is written.
    """
    parsed = parse_command(command, cwd, python)
    out = Path(os.path.abspath(out))  # noqa: PTH100
    out.parent.mkdir(parents=True, exist_ok=True)
    said_file = out.with_name(out.name + ".run")
    created = time.time()
    try:
        ended = run_recorder(
            parsed, {"action": "profile", "out": str(out)}, cwd,
            timeout_s=timeout_s, doing="profiling", progress=progress, cancel=cancel,
            stdin=stdin,
        )  # fmt: skip
        seconds, threads = said_of(said_file, out, parsed, ended)
        sidecar = keep(out, command, cwd, workspace or cwd, seconds=seconds, created=created)
    except BaseException:
        out.unlink(missing_ok=True)
        raise
    finally:
        said_file.unlink(missing_ok=True)
        for partial in out.parent.glob(f"{out.name}*.part"):
            partial.unlink(missing_ok=True)
    notes = ("threads ran: shares of functions called in them are rough",) if threads else ()
    return RecordedRun(out, sidecar, seconds, threads, notes)


def keep(
    profile: Path,
    command: Sequence[str],
    cwd: Path,
    workspace: Path,
    *,
    seconds: float,
    created: float,
) -> Path:
    """Write a profile's sidecar, from when on it counts. Raises WorkloadError where it is empty.

    `created` is when the run began: files that were edited since are not those that ran.
    """
    sources, fingerprints = _sources(profile, workspace, created)
    sidecar = sidecar_of(profile)
    write_sidecar(
        sidecar, sources, command=command, cwd=str(cwd), seconds=seconds, created=created,
        fingerprints=fingerprints,
    )  # fmt: skip
    return sidecar


def said_of(
    file: Path, out: Path, command: PythonCommand, ended: processes.Finished
) -> tuple[float, int]:
    """Seconds and threads, as the recorder wrote them. Raises WorkloadError where the program
    failed, or left no profile."""
    code = 0
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        said = json.loads(file.read_text(encoding="ascii"))
        code = int(said.get("code", 0))
        if not code and out.stat().st_size > 0:
            return float(said["seconds"]), int(said["threads"])
    if code:
        # what ran around the program has an exit code of its own
        raise failed(command, replace(ended, code=code), "while it was run for profiling")
    last = ended.last_lines(3)
    raise WorkloadError(
        f"workload `{command.shown}` ended without leaving a profile"
        + (f"; the last that it said:\n{last}" if last else ""),
        code="workload-no-profile",
        mend="it may leave by os._exit or os.exec; give a program that returns",
    )


def _sources(profile: Path, workspace: Path, started: float) -> tuple[Sources, dict[str, str]]:
    """The texts of the workspace files that were profiled and not edited since the run began, and
    the fingerprints of the functions that ran, by "path::qualname"."""
    try:
        costs = load_profile(profile, workspace).functions
    except AnalysisError as error:
        raise WorkloadError(
            f"the profile of this run shows nothing: {error.message}",
            code="workload-no-profile",
            mend="give a workload that does its work in Python functions of this workspace",
        ) from error
    sources = take_sources(costs, workspace, sources_folder(profile.parent), not_after=started)
    lines: dict[str, set[int]] = {}
    for cost in costs:
        lines.setdefault(cost.path, set()).add(cost.line)
    found = {}
    for path, seen in lines.items():
        relative = relative_to(path, workspace)
        for function in (sources.functions(relative) if relative else None) or ():
            if function.first_line + 1 in seen:
                found[f"{path}::{function.qualname}"] = function.fingerprint
    return sources, found


def capture_inputs(
    command: Sequence[str],
    cwd: Path,
    targets: Sequence[tuple[Path, str]],
    folder: Path,
    *,
    python: Path,
    stdin: StandardInput | None = None,
    timeout_s: float = 600.0,
    max_calls: int = 200,
    max_bytes: int = 64 << 20,
    progress: Progress = silent,
    cancel: CancelToken | None = None,
) -> dict[tuple[Path, str], Capture]:
    """Run the program once more and keep arguments that each target was called with.

    A target is (path, qualified name); of a nested function the calls of its outermost enclosing
    one are kept. Up to `max_calls` calls and `max_bytes` bytes each: the first quarter from the
    start of the run, the others spread over it, larger ones preferred; calls made by the function
    itself further in are left out. Raises WorkloadError (codes as `record_profile`,
    workload-no-capture) or Cancelled; then earlier captures in `folder` stay as they were.
    """
    parsed = parse_command(command, cwd, python)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".run-", dir=folder) as fresh:
        called = {t: (str(t[0].resolve()), t[1].split(".<locals>", 1)[0]) for t in targets}
        names = {key: _folder_name(*key) for key in called.values()}
        config = {
            "action": "capture",
            "main_name": _main_name(parsed),
            "limits": {"max_calls": max_calls, "max_bytes": max_bytes},
            "targets": [
                {"path": path, "qualname": name, "folder": str(Path(fresh) / where)}
                for (path, name), where in names.items()
            ],
        }
        run_recorder(
            parsed, config, cwd, timeout_s=timeout_s * _SLOWER_RUN,
            doing="capturing", progress=progress, cancel=cancel, stdin=stdin,
        )  # fmt: skip
        if not all((Path(fresh) / where / MANIFEST).is_file() for where in names.values()):
            raise WorkloadError(
                f"workload `{parsed.shown}` ended without leaving what was captured",
                code="workload-no-capture",
                mend="it may leave by os._exit or os.exec; give a program that returns",
            )
        for where in names.values():
            shutil.rmtree(folder / where, ignore_errors=True)
            (Path(fresh) / where).rename(folder / where)
    kept = {t: capture_in(folder / names[key]) for t, key in called.items()}
    return {t: capture for t, capture in kept.items() if capture is not None}


def stored_capture(folder: Path, path: Path, qualname: str) -> Capture | None:
    """What the newest `capture_inputs` into `folder` kept of a function's calls, or None."""
    called = qualname.split(".<locals>", 1)[0]
    return capture_in(folder / _folder_name(str(path.resolve()), called))


def _main_name(command: PythonCommand) -> str:
    """Module name of the file that ran as `__main__`, as its neighbours would import it."""
    if command.kind == "module":
        return command.target
    return Path(command.target).stem if command.kind == "script" else "__main__"


def _folder_name(path: str, qualname: str) -> str:
    digest = hashlib.sha256(f"{path}::{qualname}".encode("utf-8", "surrogateescape")).hexdigest()
    return digest[:24]


def capture_in(folder: Path) -> Capture | None:
    """What the recorder wrote into a target's own folder; None where nothing whole is there."""
    try:
        with (folder / MANIFEST).open("rb") as file:
            manifest = json.loads(file.read(_MANIFEST_BYTES))
        if manifest["schema"] != _MANIFEST_SCHEMA:
            return None
        skipped = {str(why): int(n) for why, n in manifest["skipped"].items()}
        count, calls = int(manifest["count"]), int(manifest["calls"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    reason = max(skipped, key=lambda why: skipped[why]) if skipped else None
    if calls == 0:
        reason = "not called in the program's main process"
    return Capture(folder, count, calls, sum(skipped.values()), reason)
