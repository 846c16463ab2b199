"""Which Python runs the user's code: found in a stated order, and asked what it is.

Order: ``--python``, the setting, ``$VIRTUAL_ENV``, the nearest ``.venv`` upwards,
``python3`` on PATH, hasten's own. Nothing inside a workspace that is not trusted is started,
except what the user's own shell points at with ``$VIRTUAL_ENV``.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmark_runner.errors import InterpreterError

OLDEST = (3, 9)
"""The oldest CPython that the harness runs under."""

_PROBE = (
    "import sys; print(sys.implementation.name, '.'.join(map(str, sys.version_info[:3])),"
    " sys.executable, sep='\\n')"
)
_PROBE_TIMEOUT_S = 20.0
_MEND = "give a CPython 3.9 or newer: --python /path/to/python"


@dataclass(frozen=True)
class Interpreter:
    """A CPython that was started once and said what it is; `notes` tell what was passed over."""

    path: Path
    version: tuple[int, int, int]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Answer:
    implementation: str
    version: tuple[int, int, int]
    executable: Path


_answers: dict[tuple[str, int, int], _Answer] = {}


def _missing(path: Path, origin: str) -> InterpreterError:
    return InterpreterError(
        f"{origin} {path}: no such executable file", code="python-missing", mend=_MEND
    )


def _ask(path: Path, origin: str) -> _Answer:
    """Run the interpreter once, isolated, away from any workspace. Raises InterpreterError."""
    try:
        stat = path.stat()
    except OSError as error:
        raise _missing(path, origin) from error
    key = (str(path), stat.st_mtime_ns, stat.st_size)
    if key in _answers:
        return _answers[key]
    try:
        done = subprocess.run(
            [str(path), "-I", "-c", _PROBE],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PROBE_TIMEOUT_S,
            cwd="/",  # a version manager's shim would read settings from the working directory
            check=False,
        )
        name, version, executable = done.stdout.decode("utf-8", "surrogateescape").splitlines()[:3]
        major, minor, micro = (int(part) for part in version.split("."))
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise InterpreterError(
            f"{origin} {path}: it doesn't answer as a Python interpreter",
            code="python-broken",
            mend=_MEND,
        ) from error
    answer = _Answer(name, (major, minor, micro), _real(path, executable))
    _answers[key] = answer
    return answer


def _real(path: Path, executable: str) -> Path:
    """`path` itself, or what a script that stands before the interpreter (a shim) starts."""
    with path.open("rb") as file:
        if file.read(2) == b"#!" and Path(executable).is_absolute():
            return Path(executable)
    return path


def _accept(path: Path, origin: str, notes: list[str]) -> Interpreter:
    answer = _ask(path, origin)
    shown = ".".join(map(str, answer.version))
    if answer.implementation != "cpython":
        raise InterpreterError(
            f"{origin} {path}: it is {answer.implementation} {shown}, not CPython",
            code="python-not-cpython",
            mend=_MEND,
        )
    if answer.version[:2] < OLDEST:
        raise InterpreterError(
            f"{origin} {path}: it is Python {shown}, too old", code="python-too-old", mend=_MEND
        )
    return Interpreter(answer.executable, answer.version, tuple(notes))


def interpreter_at(path: Path) -> Interpreter:
    """The interpreter that a command names by its path. Raises InterpreterError."""
    return _accept(path, "interpreter", [])


def is_executable(path: Path) -> bool:
    """Whether the file is there and may be started."""
    return path.is_file() and os.access(path, os.X_OK)


def is_inside(path: Path, folder: Path) -> bool:
    """Whether the path lies in the folder, by its name or after its folders' links."""
    root = folder.resolve()
    return any(
        p.is_relative_to(r)
        for p in (Path(os.path.abspath(path)), path.parent.resolve())  # noqa: PTH100
        for r in (root, Path(os.path.abspath(folder)))  # noqa: PTH100
    )


def _folders_upwards(start: Path, workspace: Path) -> Iterator[Path]:
    """From the file up to the workspace's root, then on while the folders are the user's own."""
    folder = start if start.is_dir() else start.parent
    for candidate in (folder, *folder.parents):
        if not is_inside(candidate, workspace) and candidate != workspace:
            home = candidate == Path.home() or candidate == candidate.parent
            if home or candidate.stat().st_uid != os.getuid() or candidate.stat().st_mode & 0o022:
                return
        yield candidate


def _nearest_venv(near: Path, workspace: Path) -> Path | None:
    for folder in _folders_upwards(near, workspace):
        python = folder / ".venv" / "bin" / "python"
        if is_executable(python):
            return python
    return None


def _on_path(name: str, search: str, workspace: Path, trusted: bool) -> Path | None:
    """`name` on PATH; relative entries, and those of a workspace not trusted, don't count."""
    for entry in search.split(os.pathsep):
        folder = Path(entry)
        if not entry or not folder.is_absolute() or (not trusted and is_inside(folder, workspace)):
            continue
        if is_executable(folder / name):
            return folder / name
    return None


def _named(value: str, origin: str, base: Path | None, notes: list[str]) -> Interpreter:
    path = Path(value).expanduser()
    if not path.is_absolute():
        if base is None:
            raise InterpreterError(
                f"{origin} {value}: not an absolute path",
                code="python-relative",
                mend="give the whole path, as `command -v python3` prints it",
            )
        path = base / path
    if not is_executable(path):
        raise _missing(path, origin)
    return _accept(path, origin, notes)


def find_python(
    explicit: str | None,
    setting: str | None,
    workspace: Path,
    trusted: bool,
    *,
    near: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Interpreter:
    """The interpreter of the user's code. Raises InterpreterError naming the one that won't do.

    `near` is the file in question: the search for ``.venv`` starts there, else at the workspace.
    `environment` is the user's (default: this process's). What `--python`, the setting,
    ``$VIRTUAL_ENV`` or a ``.venv`` name is never replaced by another one silently: a result is a
    claim about one interpreter.
    """
    environment = os.environ if environment is None else environment
    notes: list[str] = []
    if explicit is not None:
        return _named(explicit, "--python", None, notes)
    if setting:
        return _named(setting, "the setting python =", workspace if trusted else None, notes)
    if active := environment.get("VIRTUAL_ENV"):
        python = Path(active) / "bin" / "python"
        if python.is_absolute() and is_executable(python):
            return _accept(python, "$VIRTUAL_ENV", notes)
        notes.append(f"$VIRTUAL_ENV {active} has no bin/python; passed over")
    venv = _nearest_venv(near or workspace, workspace)
    if venv is not None and trusted:
        return _accept(venv, ".venv", notes)
    if venv is not None:
        notes.append(
            f"{venv} passed over: the workspace is not trusted (`hasten trust` allows its use)"
        )
    found = _on_path("python3", environment.get("PATH", ""), workspace, trusted)
    if found is not None:
        try:
            return _accept(found, "python3 on PATH", notes)
        except InterpreterError as error:
            notes.append(f"{error.message}; hasten's own interpreter is used")
    return _accept(Path(sys.executable), "hasten's own interpreter", notes)
