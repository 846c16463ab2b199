"""What several commands need: where we are, which settings hold, which interpreter runs."""

from __future__ import annotations

import os
import shlex
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.errors import Cancelled, InputError
from analysis.functions import Function, function_named, functions_in, near_names, parse_file
from analysis.progress import CancelToken
from benchmark_runner.interpreters import Interpreter, find_python
from hasten.paths import state_dir, workspace_of
from optimizer.results import Results
from server.cli.output import note
from server.settings import Settings, load_settings
from server.trust import is_trusted


@dataclass(frozen=True)
class Place:
    """The workspace of a command with its settings and whether the user trusts it."""

    workspace: Path
    settings: Settings
    trusted: bool


def place_of(path: Path, overrides: Mapping[str, Any] | None = None) -> Place:
    """The workspace that holds `path`, with flags and environment on top of its settings."""
    workspace = workspace_of(path)
    trusted = is_trusted(workspace)
    given = {
        "model": os.environ.get("HASTEN_MODEL"),
        "api_base": os.environ.get("HASTEN_API_BASE"),
        **{k: v for k, v in (overrides or {}).items() if v is not None},
    }
    loaded = load_settings(workspace, given, trusted=trusted)
    for text in loaded.notes:
        note(f"{text} (`hasten trust` if it is yours)")
    return Place(workspace, loaded.settings, trusted)


def python_of(place: Place, explicit: str | None) -> Interpreter:
    """The user's interpreter (see benchmark_runner.interpreters); notes go to stderr."""
    found = find_python(explicit, place.settings.python, place.workspace, place.trusted)
    for text in found.notes:
        note(text)
    return found


def existing_file(path: str) -> Path:
    """An absolute path. Raises InputError when there is no such file."""
    file = Path(path).absolute()
    if not file.is_file():
        raise InputError(f"{path}: no such file", code="file-missing", mend="check the path")
    return file


def existing_cases(path: str) -> Path:
    """An absolute path of cases. Raises InputError when there is nothing."""
    found = Path(path).absolute()
    if not found.exists():
        raise InputError(f"{path}: there are no cases", code="cases-missing", mend="check the path")
    return found


def split_target(target: str) -> tuple[Path, str | None]:
    """PATH or PATH::QUALNAME."""
    path, mark, name = target.partition("::")
    if mark and not name:
        raise InputError(
            f"{target}: no function is named", code="usage", mend="PATH, or PATH::QUALNAME"
        )
    return existing_file(path), name or None


def require_function(text: str, path: Path, qualname: str) -> Function:
    """The function of a file. Raises InputError with the names that are there."""
    found = function_named(text, str(path), qualname)
    if found:
        return found
    names = [f.qualname for f in functions_in(text, str(path))]
    near = near_names(names, qualname)
    raise InputError(
        f"{path}: no function {qualname!r}",
        code="function-unknown",
        mend=(f"functions there: {', '.join(near)}" if near else "the file defines no function")
        + (
            "; a syntax error in it may hide others"
            if parse_file(text, str(path)).root.has_error
            else ""
        ),
    )


def split_command(text: str) -> tuple[str, ...]:
    """The words of a command line as a shell splits them; nothing is expanded."""
    try:
        words = tuple(shlex.split(text))
    except ValueError as error:
        raise InputError(
            f"workload {text!r} can't be split into words: {error}",
            code="workload-unsupported",
            mend="close its quotes, or give the command behind two dashes: -- python main.py",
        ) from error
    if not words:
        raise InputError(
            "the workload is empty",
            code="workload-unsupported",
            mend="give a Python program, as in: python main.py",
        )
    return words


def usable_state(workspace: Path) -> Path:
    """The workspace's state folder. Raises ResultsError where nothing can be kept in it."""
    state = state_dir(workspace)
    Results(state).close()
    return state


@contextmanager
def cancel_on_interrupt() -> Iterator[CancelToken]:
    """A token that Ctrl-C and SIGTERM set; the work ends itself and Cancelled is raised."""
    token = CancelToken()
    before = {
        number: signal.signal(number, lambda *_: token.cancel())
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield token
        if token.cancelled:
            raise Cancelled
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
