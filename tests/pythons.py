"""The CPythons of this machine that tests can use besides their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path


def _version(python: str) -> tuple[int, int] | None:
    ask = "import sys; print(sys.implementation.name, *sys.version_info[:2])"
    try:
        done = subprocess.run(
            [python, "-I", "-S", "-c", ask], capture_output=True, text=True, timeout=10, check=True
        )
        name, major, minor = done.stdout.split()
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return (int(major), int(minor)) if name == "cpython" else None


@cache
def interpreters() -> dict[str, Path]:
    """One CPython of each version from 3.9 on that PATH or pyenv has, by version."""
    found = {f"{sys.version_info[0]}.{sys.version_info[1]}": Path(sys.executable)}
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    named = [shutil.which(f"python3.{minor}") for minor in range(9, 15)]
    candidates = [*sorted(root.glob("versions/3.*/bin/python")), *(Path(n) for n in named if n)]
    for path in candidates:
        version = _version(str(path))
        if version is not None and version >= (3, 9):
            found.setdefault(f"{version[0]}.{version[1]}", path)
    return dict(sorted(found.items(), key=lambda item: int(item[0].split(".")[1])))
