"""What an interpreter needs to run: its folders, and the harness compiled for it."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

from benchmark_runner.errors import InterpreterError
from benchmark_runner.sandbox.leftovers import own_folder
from benchmark_runner.worker import harness

_ASK = """
import json, marshal, site, sys, sysconfig
source, target = sys.argv[1:3]
mapped = []
for name, module in list(sys.modules.items()):
    if name.startswith("__editable__") and isinstance(getattr(module, "MAPPING", None), dict):
        mapped += [str(v) for v in module.MAPPING.values()]
with open(source, "rb") as file:
    code = compile(file.read(), "harness.py", "exec", dont_inherit=True)
import importlib._bootstrap_external as external, importlib.util
with open(target, "wb") as file:
    file.write(importlib.util.MAGIC_NUMBER + bytes(12) + marshal.dumps(code))
paths = sysconfig.get_paths()
print(json.dumps({
    "version": list(sys.version_info[:3]),
    "implementation": sys.implementation.name,
    "executable": sys.executable,
    "prefixes": [sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix],
    "folders": [paths["stdlib"], paths["platstdlib"], sysconfig.get_config_var("LIBDIR") or ""],
    "path": [p for p in sys.path if p],
    "user_base": site.getuserbase() if site.ENABLE_USER_SITE else "",
    "user_site": site.getusersitepackages() if site.ENABLE_USER_SITE else "",
    "mapped": mapped,
    "libraries": [paths["stdlib"], paths["purelib"], paths["platlib"]],
}))
"""
_ASK_SECONDS = 30.0


@dataclass(frozen=True)
class Layout:
    """One interpreter as a worker needs it.

    `readable` are the folders and files it must be able to read, `libraries` those that hold
    installed code and not the user's project, `harness` the compiled harness.
    """

    python: Path
    version: tuple[int, int, int]
    readable: tuple[Path, ...]
    libraries: tuple[str, ...]
    user_base: str
    harness: Path


_lock = threading.Lock()


@functools.cache
def _folder() -> Path:
    """A private folder for compiled harnesses that ends with this process."""
    return Path(tempfile.mkdtemp(prefix="harness-", dir=own_folder()))


def layout_of(python: Path) -> Layout:
    """Ask the interpreter, once per process and executable.

    Raises InterpreterError when it does not run or is no CPython from 3.9 on.
    """
    try:
        changed = python.stat().st_mtime_ns
    except OSError as error:
        raise _unusable(python, error.strerror or str(error)) from error
    with _lock:
        return _ask(python, changed)


def _unusable(python: Path, why: str) -> InterpreterError:
    return InterpreterError(
        f"{python}: can't be used to run code: {why}",
        code="python-unusable",
        mend="name another interpreter with --python (CPython 3.9 or newer)",
    )


@functools.lru_cache(maxsize=64)
def _ask(python: Path, changed: int) -> Layout:
    target = _folder() / f"{abs(hash((python, changed))):x}.pyc"
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(Path.home()), "LANG": "C.UTF-8"}
    command = [str(python), "-B", "-c", _ASK, harness.__file__, str(target)]
    try:
        done = subprocess.run(
            command,
            env=environment,
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_ASK_SECONDS,
            check=False,
        )
        told = (
            json.loads(done.stdout.decode("utf-8", "replace").rpartition("\n{")[2] or "null")
            if b"\n{" in done.stdout
            else json.loads(done.stdout or b"null")
        )
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise _unusable(python, str(error)) from error
    if told is None:
        tail = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise _unusable(python, tail or f"exit code {done.returncode}")
    version = tuple(told["version"])
    if told["implementation"] != "cpython" or version < (3, 9):
        name = f"{told['implementation']} {'.'.join(map(str, version))}"
        raise _unusable(python, f"it is {name}")
    return _layout(python, told, target)


def _layout(python: Path, told: dict[str, list[str]], target: Path) -> Layout:
    home = Path.home()
    readable: list[Path] = []
    for text in told["prefixes"]:
        prefix = Path(text)
        if prefix in (home, *home.parents):  # an interpreter installed into the home itself
            readable += [prefix / "bin", prefix / "lib"]
        else:
            readable.append(prefix)
    texts = [*told["folders"], *told["path"], *told["mapped"], str(told["user_site"])]
    readable += [Path(text) for text in texts if text]
    readable += _links(python)
    kept = dict.fromkeys(p for p in readable if p.exists())
    version = tuple(int(n) for n in told["version"])
    folders = [*told["libraries"], *told["folders"], str(told["user_site"])]
    site = [p for p in told["path"] if p.endswith(("site-packages", "dist-packages"))]
    real = [os.path.realpath(f).rstrip("/") + "/" for f in (*folders, *site) if f and f != "/"]
    return Layout(
        python=python,
        version=(version[0], version[1], version[2]),
        readable=tuple(kept),
        libraries=tuple(dict.fromkeys(real)),
        user_base=str(told["user_base"]),
        harness=target,
    )


def _links(path: Path) -> list[Path]:
    """A path and all that it leads to, link by link."""
    found = []
    for _ in range(40):
        found.append(path)
        if not path.is_symlink():
            break
        target = path.readlink()
        path = target if target.is_absolute() else Path(os.path.normpath(path.parent / target))
    return found
