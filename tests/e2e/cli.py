"""Runs the real command line in a process of its own, with folders of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HASTEN = str(Path(sys.executable).with_name("hasten"))


@dataclass(frozen=True)
class Done:
    """A finished command; `value` is the one JSON value on stdout, if it is one."""

    code: int
    out: str
    err: str

    @property
    def value(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Cli:
    """The command line with scratch data and state folders."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        keep = {k: v for k, v in os.environ.items() if not k.startswith(("HASTEN_", "VIRTUAL_ENV"))}
        return {
            **keep,
            "XDG_DATA_HOME": str(self.folder / "data"),
            "XDG_STATE_HOME": str(self.folder / "state"),
            "HASTEN_ENGINE_IDLE_S": "2",
        }

    def __call__(
        self, *arguments: str | Path, cwd: Path | None = None, timeout: float = 170, **env: str
    ) -> Done:
        done = subprocess.run(
            [HASTEN, *map(str, arguments)],
            cwd=cwd or self.folder,
            env={**self.environment, **env},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        return Done(done.returncode, done.stdout, done.stderr)
