"""What runs the cases of a language: interpreters and compilers of this machine, by name."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmark_runner.errors import InterpreterError
from benchmark_runner.interpreters import Interpreter, interpreter_at, is_executable

PYTHON, JAVASCRIPT = "python", "javascript"
_TOOLS = (
    ("c", "gcc", "-dumpfullversion"),
    ("c++", "g++", "-dumpfullversion"),
    (JAVASCRIPT, "node", "--version"),
)
_PYTHONS = tuple(f"python3.{minor}" for minor in range(9, 14))
_SECONDS = 10.0


@dataclass(frozen=True)
class Target:
    """Something that runs cases of a language: "cpython-3.11", "g++-12", "node-20"."""

    name: str
    language: str
    path: Path
    version: str


def python_target(interpreter: Interpreter) -> Target:
    """The target of an interpreter."""
    major, minor, _ = interpreter.version
    version = ".".join(map(str, interpreter.version))
    return Target(f"cpython-{major}.{minor}", PYTHON, interpreter.path, version)


def tool_target(language: str) -> Target | None:
    """The compiler or interpreter of a language that is not Python; None where there is none."""
    for known, name, ask in _TOOLS:
        found = shutil.which(name) if known == language else None
        if found is not None and (version := _version(Path(found), ask)):
            major = version.split(".", 1)[0]
            return Target(f"{name}-{major}", language, Path(found), version)
    return None


def all_targets(own: Interpreter) -> tuple[Target, ...]:
    """The interpreter `own`, one CPython of each version from 3.9 to 3.13, and every tool.

    Interpreters are looked for on PATH and where pyenv keeps them; those that don't answer don't
    count.
    """
    found = {python_target(own).name: python_target(own)}
    for path in _pythons():
        try:
            target = python_target(interpreter_at(path))
        except InterpreterError:
            continue
        found.setdefault(target.name, target)
    pythons = sorted(found.values(), key=lambda t: [int(part) for part in t.version.split(".")])
    tools = (tool_target(language) for language, _, _ in _TOOLS)
    return (*pythons, *(tool for tool in tools if tool is not None))


def _pythons() -> Iterator[Path]:
    for name in _PYTHONS:
        if found := shutil.which(name):
            yield Path(found)
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    for name in _PYTHONS:
        minor = name.removeprefix("python")
        yield from filter(is_executable, sorted(root.glob(f"{minor}.*/bin/python")))


@functools.cache
def _version(program: Path, ask: str) -> str:
    """What a tool says that its version is, as numbers; "" where it says none."""
    try:
        done = subprocess.run(
            [program, ask],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
            cwd="/",
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    numbers = re.search(r"\d+(\.\d+)*", done.stdout.decode("utf-8", "replace"))
    return numbers.group() if numbers else ""
