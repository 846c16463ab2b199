"""Starts hasten with its own rooms first on the path.

A workspace may hold packages called `server` or `index`; ours must win, and nothing of the
workspace may be imported into our processes. So the folder of the rooms goes first, and the
working directory and everything that PYTHONPATH brought are dropped.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def rooms_folder() -> Path:
    """The folder that holds the rooms: below the package in a wheel, beside it in a checkout."""
    shipped = _PACKAGE / "_rooms"
    return shipped if shipped.is_dir() else _PACKAGE.parent


def clean_path(path: list[str], pythonpath: str, cwd: str) -> list[str]:
    """`path` with the rooms first and without the working directory and PYTHONPATH's entries."""
    dropped = {os.path.realpath(p or cwd) for p in (*pythonpath.split(os.pathsep), cwd)}
    dropped.add(str(_PACKAGE))  # there when this package was started by its file's path
    rooms = str(rooms_folder())
    kept = [p for p in path if p and os.path.realpath(p) not in dropped and p != rooms]
    return [rooms, *kept]


def child_command(*arguments: str) -> list[str]:
    """The command that starts another hasten process with this interpreter."""
    return [sys.executable, str(_PACKAGE / "__main__.py"), *arguments]


def child_environment() -> dict[str, str]:
    """This process's environment without what would change the import path of a child."""
    return {k: v for k, v in os.environ.items() if k not in {"PYTHONPATH", "PYTHONSAFEPATH"}}


def main() -> int:
    """Entry point of the console script: `hasten lsp` starts without the command line's imports."""
    try:
        cwd = os.getcwd()  # noqa: PTH109
    except FileNotFoundError:
        cwd = "/"
    sys.path[:] = clean_path(sys.path, os.environ.get("PYTHONPATH", ""), cwd)
    if sys.argv[1:2] == ["lsp"]:
        from server.lsp.main import main as lsp_main

        return lsp_main(sys.argv[2:])
    if sys.argv[1:2] == ["engine"]:
        from optimizer.engine.main import main as engine_main

        return engine_main(sys.argv[2:])
    if sys.argv[1:2] == ["run-job"]:
        from benchmark_runner.executors.main import main as job_main

        return job_main()
    try:
        from server.cli.main import main as cli_main

        return cli_main(sys.argv[1:])
    except KeyboardInterrupt:  # before the command line could take it
        if "--json" in sys.argv:
            print('{"error": {"code": "cancelled", "message": "cancelled", "mend": ""}}')
        return 130
