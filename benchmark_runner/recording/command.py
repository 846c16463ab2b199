"""Command lines that run Python: which interpreter, which of its flags, which program.

Understood are ``python script.py``, ``python -m module``, ``python -c code`` and console scripts
with a Python shebang. Anything else can't be profiled or captured and is named.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from benchmark_runner.errors import WorkloadError
from benchmark_runner.interpreters import interpreter_at, is_executable

_PYTHON_NAME = re.compile(r"python(?:3(?:\.(\d+))?)?(?:\.exe)?\Z")
_PLAIN_FLAGS = frozenset("bBdEIOPqRsSuvx")
_FLAGS_WITH_VALUE = frozenset("WX")
_MEND = "give a Python program, as in: python main.py, python -m package"


@dataclass(frozen=True)
class PythonCommand:
    """A program as the interpreter would run it.

    `target` is the script's path as it was given (`kind` "script"), the module's name or the code.
    `shown` is the command as the user wrote it.
    """

    python: Path
    flags: tuple[str, ...]
    kind: Literal["script", "module", "code"]
    target: str
    arguments: tuple[str, ...]
    shown: str

    def argv(self) -> list[str]:
        """The command line that runs the program plainly."""
        option = {"script": [], "module": ["-m"], "code": ["-c"]}[self.kind]
        return [str(self.python), *self.flags, *option, self.target, *self.arguments]


def _error(shown: str, what: str) -> WorkloadError:
    return WorkloadError(f"workload `{shown}`: {what}", code="workload-unsupported", mend=_MEND)


def _executable(name: str, cwd: Path, shown: str) -> Path:
    """The file that the shell would start for this name."""
    if os.sep in name:
        path = cwd / name
        if is_executable(path):
            return path
        what = "is not executable" if path.is_file() else "does not exist"
        raise _error(shown, f"{path} {what}")
    found = shutil.which(name)
    if found is None:
        raise _error(shown, f"no command {name!r} on PATH")
    return Path(os.path.abspath(found))  # noqa: PTH100 (links must stay: they name a venv)


def _python_named(name: str, cwd: Path, python: Path, shown: str) -> Path | None:
    """The interpreter if the word names one.

    A bare ``python`` means the interpreter that was chosen for this workspace; a path means
    exactly that one; ``python3.12`` the chosen one if it is a 3.12, else the one on PATH.
    """
    match = _PYTHON_NAME.match(Path(name).name)
    if match is None:
        return None
    if os.sep in name:
        return _executable(name, cwd, shown)
    if match[1] is not None and interpreter_at(python).version[1] != int(match[1]):
        return _executable(name, cwd, shown)
    return python


def _shebang(path: Path, cwd: Path, python: Path, shown: str) -> tuple[Path, list[str]]:
    """Interpreter and its flags from a script's first line."""
    with path.open("rb") as file:
        first, second = file.readline(4096), file.readline(4096)
    words = first[2:].decode("utf-8", "surrogateescape").split() if first[:2] == b"#!" else []
    if words and Path(words[0]).name == "sh" and second.startswith(b"'''exec'"):
        # pip writes this where the interpreter's path is too long for a shebang
        words = shlex.split(second.decode("utf-8", "surrogateescape").removeprefix("'''exec'"))[:1]
    if words and Path(words[0]).name == "env":
        words = words[2:] if words[1:2] == ["-S"] else words[1:]
    found = _python_named(words[0], cwd, python, shown) if words else None
    if found is None:
        raise _error(shown, f"{path} is not a Python script (no Python in its first line)")
    return found, words[1:]


def _split_flags(words: Sequence[str], shown: str) -> tuple[list[str], list[str]]:
    """The interpreter's own flags, and what follows them, as CPython reads its command line."""
    flags: list[str] = []
    rest = list(words)
    while rest and rest[0].startswith("-") and rest[0] != "-":
        word = rest.pop(0)
        if word == "--check-hash-based-pycs" and rest:
            flags += (word, rest.pop(0))
            continue
        if word.startswith("--"):
            raise _error(shown, f"Python's option {word} is not understood")
        for at, letter in enumerate(word[1:], start=1):
            if letter in "cm":
                value = [word[at + 1 :]] if word[at + 1 :] else []
                return flags, [f"-{letter}", *value, *rest]
            if letter in _FLAGS_WITH_VALUE:
                value_text = word[at + 1 :] or (rest.pop(0) if rest else "")
                flags += (f"-{letter}", value_text)
                break
            if letter not in _PLAIN_FLAGS:
                raise _error(shown, f"Python's option -{letter} starts no program to measure")
            flags.append(f"-{letter}")
    return flags, rest


def parse_command(command: Sequence[str], cwd: Path, python: Path) -> PythonCommand:
    """Read a command already split into words. Raises WorkloadError for what is no Python program.

    `python` is the interpreter chosen for the workspace; it stands for a bare ``python``.
    """
    shown = shlex.join(command)
    if not command:
        raise _error(shown, "it is empty")
    interpreter = _python_named(command[0], cwd, python, shown)
    if interpreter is None:
        script = _executable(command[0], cwd, shown)
        interpreter, words = _shebang(script, cwd, python, shown)
        flags, rest = _split_flags([*words, str(script)], shown)
        return PythonCommand(
            interpreter, tuple(flags), "script", rest[0], tuple(command[1:]), shown
        )
    flags, rest = _split_flags(command[1:], shown)
    if not rest or rest[0] == "-":
        raise _error(shown, "it names no program; one read from standard input can't run twice")
    if rest[0] in ("-m", "-c"):
        if len(rest) < 2:
            raise _error(shown, f"nothing follows {rest[0]}")
        kind: Literal["module", "code"] = "module" if rest[0] == "-m" else "code"
        return PythonCommand(interpreter, tuple(flags), kind, rest[1], tuple(rest[2:]), shown)
    return PythonCommand(interpreter, tuple(flags), "script", rest[0], tuple(rest[1:]), shown)
