"""The project's own tests that reach a function: their calls as inputs, and a stage of the proof.

One run of pytest in the user's environment, on a scratch copy of the tree, without network, finds
both: a plugin hears the calls of the function test by test (recorder.py's means: sys.monitoring
from 3.12 on, a statement put into the function before) and keeps their arguments. That needs no
coverage tool, tells parametrized tests apart, and costs less than tracing lines. Only files that
seem to be about the function are run (which_tests.py), within some seconds, and what was found is
kept until a file of it changes.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from analysis.progress import CancelToken, Progress, silent
from benchmark_runner.errors import WorkloadError
from benchmark_runner.inputs.which_tests import Choice, choose, python_files
from benchmark_runner.project.trees import materialise, scratch_folder
from benchmark_runner.recording.record import RECORDER, capture_in
from benchmark_runner.sandbox.layout import layout_of
from benchmark_runner.sandbox.limits import Limits
from benchmark_runner.sandbox.program import ProgramRun, run_program
from benchmark_runner.workload import CapturedInputs, InputsOfTests, Version

PLUGIN = Path(__file__).with_name("tests_plugin.py")
FIND_S = 30.0
"""Wall seconds that finding tests may take."""
RUN_S = 60.0
_MOST_TESTS = 40
_SLOW_TEST_S = 5.0
_ANSWER_BYTES = 16 << 20
_SCHEMA = 1


@dataclass(frozen=True)
class Outcome:
    """How a test ended: "passed", "failed" or "skipped", its message, wall seconds."""

    outcome: str
    message: str
    seconds: float


@dataclass(frozen=True)
class TestsFound:
    """Tests that reach a function and pass with the original; `tests` are pytest's node ids.

    `failing` reach it and don't pass. `calls` is None where no call could be kept. `note` says why
    there is less than one might expect. `files` is how many test files were run.
    """

    __test__ = False

    tests: tuple[str, ...] = ()
    failing: tuple[str, ...] = ()
    calls: CapturedInputs | None = None
    count: int = 0
    files: int = 0
    note: str | None = None

    @property
    def inputs(self) -> InputsOfTests | None:
        """The calls as inputs of a workload, where there are any."""
        return InputsOfTests(self.calls, self.tests) if self.calls else None


@dataclass(frozen=True)
class TestsRun:
    """Outcomes by node id; `broken` says why there is none at all."""

    __test__ = False

    outcomes: dict[str, Outcome] = field(default_factory=dict)
    broken: str | None = None


def find_tests(
    project: Path,
    path: Path,
    qualname: str,
    *,
    python: Path,
    before: Version,
    keep: Path,
    seconds: float = FIND_S,
    only_named: bool = False,
    progress: Progress = silent,
    cancel: CancelToken | None = None,
) -> TestsFound:
    """Run the tests that may reach a function once, and keep what it is called with.

    `before` is the version that is run; `keep` a folder of ours for the calls and the answer,
    which is used again until one of the files it rests on changes. With `only_named` only files
    that name the function, or whose tests reached it by coverage contexts, are run. Raises
    WorkloadError (tree-large, git-failed), InterpreterError and Cancelled; what is wrong with the
    tests is told in `note`.
    """
    cancel = cancel or CancelToken()
    called = qualname.split(".<locals>", 1)[0]
    choice = choose(project, path, called, before.text_of(path), only_named)
    files = choice.files
    if not files:
        return TestsFound(note="there are no test files")
    place = keep / _key(project, path, called, python, before, choice)
    known = _kept(place)
    if known is not None:
        return known
    progress("looking for tests that reach the function", 0.0)
    names = [str(file.relative_to(project)) for file in files]
    with _session(project, before, python, cancel) as session:
        target = session.copy / path.resolve().relative_to(project.resolve())
        calls = session.outbox / "calls"
        targets = [{"path": str(target), "qualname": called, "folder": str(calls)}]
        told, ended = session.run(names, targets, seconds, choice.last)
        if told is None:
            return TestsFound(files=len(files), note=_why(ended))
        found = _found(told, choice)
        place.mkdir(parents=True, exist_ok=True)
        if (calls / "manifest.json").is_file():
            shutil.rmtree(place / "calls", ignore_errors=True)
            shutil.copytree(calls, place / "calls")
            _translate(place / "calls" / "manifest.json", session.copy, project.resolve())
        return _keep(place, found)


def run_tests(
    project: Path,
    tests: Sequence[str],
    *,
    python: Path,
    version: Version,
    seconds: float = RUN_S,
    cancel: CancelToken | None = None,
) -> TestsRun:
    """Run some tests on a scratch copy of the tree with a version's texts, in the sandbox.

    Raises WorkloadError, InterpreterError and Cancelled.
    """
    with _session(project, version, python, cancel or CancelToken()) as session:
        told, ended = session.run(tests, [], seconds)
        if told is None:
            return TestsRun(broken=_why(ended))
        return TestsRun(_outcomes(told))


# -- one session of pytest


@dataclass(frozen=True)
class _Session:
    """A scratch copy of the tree and a folder for what the plugin is told and tells."""

    copy: Path
    outbox: Path
    project: Path
    python: Path
    cancel: CancelToken

    def run(
        self,
        names: Sequence[str],
        targets: list[dict[str, str]],
        seconds: float,
        last: Sequence[str] = (),
    ) -> tuple[dict[str, Any] | None, ProgramRun]:
        """pytest on the named files or tests; the plugin's answer, None where there is none."""
        request, out = self.outbox / "request.json", self.outbox / "answer.json"
        told = {
            "targets": targets,
            "limits": {"max_calls": 200, "max_bytes": 64 << 20},
            "main_name": "__main__",
            "seconds": seconds,
            "last": list(last),
            "out": str(out),
        }
        request.write_text(json.dumps(told), encoding="utf-8")
        shutil.copyfile(PLUGIN, self.outbox / "hasten_tests_plugin.py")
        shutil.copyfile(RECORDER, self.outbox / "hasten_recorder.py")
        line = [str(self.python), "-B", "-m", "pytest", "-q", "-p", "hasten_tests_plugin"]
        for plugin in ("cacheprovider", "xdist", "cov", "randomly", "benchmark"):
            line += ["-p", f"no:{plugin}"]
        line += ["-o", "addopts=", "--rootdir", str(self.copy), "--", *names]
        ended = run_program(
            line,
            cwd=self.copy,
            python=self.python,
            writable=[self.copy, self.outbox],
            extra_environment={
                "HASTEN_TESTS_REQUEST": str(request),
                "PYTHONPATH": ":".join(map(str, self._path())),
            },
            timeout_s=seconds + _SLOW_TEST_S,
            limits=Limits(file_bytes=128 << 20, total_cpu_s=0),
            cancel=self.cancel,
        )
        return _answer(out), ended

    def _path(self) -> list[Path]:
        """Our plugin, and what an editable install of the tree leads to, within the copy."""
        root = self.project.resolve()
        found = [self.outbox]
        for readable in layout_of(self.python).readable:
            real = readable.resolve()
            if not real.is_relative_to(root) or (real / "pyvenv.cfg").exists():
                continue
            inside = self.copy / real.relative_to(root)
            if inside.is_dir() and "site-packages" not in inside.parts:
                found.append(inside.parent if (inside / "__init__.py").exists() else inside)
        return list(dict.fromkeys([*found, self.copy, *self._source()]))

    def _source(self) -> list[Path]:
        return [folder for folder in (self.copy / "src",) if folder.is_dir()]


@contextmanager
def _session(
    project: Path, version: Version, python: Path, cancel: CancelToken
) -> Iterator[_Session]:
    with scratch_folder() as folder:
        copy, outbox = folder / "tree" / (project.name or "tree"), folder / "out"
        materialise(project, version, (), copy, cancel)
        outbox.mkdir()
        yield _Session(copy, outbox, project, python, cancel)


def _answer(file: Path) -> dict[str, Any] | None:
    """What the plugin wrote, bounded: it ran beside code that nobody has read."""
    try:
        if file.is_symlink() or file.stat().st_size > _ANSWER_BYTES:
            return None
        told = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) else None


def _outcomes(told: dict[str, Any]) -> dict[str, Outcome]:
    found = {}
    items = told.get("outcomes")
    for name, item in list(items.items() if isinstance(items, dict) else ())[:100_000]:
        if isinstance(item, dict):
            seconds = item.get("seconds")
            found[name[:500]] = Outcome(
                str(item.get("outcome"))[:20],
                "".join(c if c.isprintable() else " " for c in str(item.get("message"))[:300]),
                seconds if isinstance(seconds, float) else 0.0,
            )
    return found


def _found(told: dict[str, Any], choice: Choice) -> TestsFound:
    outcomes = _outcomes(told)
    reached = told.get("reached")
    names = [n for n in (reached if isinstance(reached, list) else ()) if n in outcomes]
    passing = [n for n in names if outcomes[n].outcome == "passed"]
    quick = [n for n in passing if outcomes[n].seconds <= _SLOW_TEST_S]
    failing = tuple(n for n in names if outcomes[n].outcome == "failed")
    notes = [choice.note] if choice.note else []
    if told.get("cut"):
        notes.append("not all tests were run in the time that finding them may take")
    if failing:
        notes.append(f"{len(failing)} tests that reach it fail before any change: {failing[0]}")
    if len(quick) > _MOST_TESTS:
        notes.append(f"{_MOST_TESTS} of {len(quick)} tests that reach it are run with each version")
        quick = quick[:: -(-len(quick) // _MOST_TESTS)]
    if not names:
        notes.append("no test that was run reaches it")
    note = "tests: " + "; ".join(notes) if notes else None
    return TestsFound(tuple(quick), failing, files=len(choice.files), note=note)


def _why(ended: ProgramRun) -> str:
    """Why a session of pytest gave no answer."""
    if ended.timed_out:
        return "tests: pytest did not end in time"
    last = (ended.stderr.strip() or ended.stdout.strip()).rpartition("\n")[2][:200]
    if "No module named pytest" in ended.stderr:
        return "tests: the interpreter has no pytest"
    return f"tests: pytest could not run them: {last}"


# -- what was found is kept


def _key(
    project: Path, path: Path, called: str, python: Path, before: Version, choice: Choice
) -> str:
    """A name that changes with any file that the answer rests on."""
    rest = (_SCHEMA, str(path), called, str(python), before, choice.note)
    data = hashlib.sha256(repr(rest).encode())
    for file in [*choice.files, *(d.path for d in choice.data), *sorted(python_files(project))]:
        try:
            told = file.stat()
        except OSError:
            continue
        data.update(f"{file}:{told.st_size}:{told.st_mtime_ns}\n".encode("utf-8", "replace"))
    return data.hexdigest()[:24]


def _keep(place: Path, found: TestsFound) -> TestsFound:
    told = {
        "schema": _SCHEMA, "tests": found.tests, "failing": found.failing, "files": found.files,
        "note": found.note,
    }  # fmt: skip
    (place / "found.json").write_text(json.dumps(told), encoding="utf-8")
    again = _kept(place)
    if again is None:
        raise WorkloadError(
            f"{place}: what was found can't be kept",
            code="tests-unkept",
            mend="check that the state folder can be written",
        )
    return again


def _kept(place: Path) -> TestsFound | None:
    """What an earlier run found, or None."""
    try:
        told = json.loads((place / "found.json").read_text(encoding="utf-8"))
        capture = capture_in(place / "calls")
        return TestsFound(
            tuple(map(str, told["tests"])), tuple(map(str, told["failing"])),
            CapturedInputs(place / "calls") if capture and capture.count else None,
            capture.count if capture else 0, int(told["files"]), told["note"],
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _translate(manifest: Path, copy: Path, project: Path) -> None:
    """The manifest with the folders of the copy as those of the project."""
    told = json.loads(manifest.read_bytes())
    paths = told.get("sys_path")
    told["sys_path"] = [
        str(project) + path[len(str(copy)) :]
        for path in (paths if isinstance(paths, list) else ())
        if isinstance(path, str) and Path(path).is_relative_to(copy)
    ]
    told["path"] = None
    manifest.write_text(json.dumps(told), encoding="utf-8")
