"""A real server process over an engine that misbehaves by the function's name.

stuck*: the engine is never reached; long*: it works until it is cancelled; deaf: it does not hear
that; quick: it finds nothing; broken: it fails with words for the user; crash: it fails without.
A feature that fails at every hook, and that prints, sits beside the real ones. In a file called
blocked.py the interpreter is never found.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path
from typing import Any

sys.path[0] = str(Path(__file__).resolve().parents[3])


def patch(folder: Path) -> None:
    from analysis.errors import HastenError
    from optimizer.suggestion import InputsSummary, Outcome
    from server import engine_client
    from server.lsp import setup, spec
    from server.lsp.feature import Feature

    def note(what: str) -> None:
        (folder / what).write_text("")

    class Engine:
        async def optimize(self, spec: Any, on_progress: Any) -> Outcome:
            name = spec.function
            on_progress(f"{name}: trying", 0.5)
            note(f"started-{name}")
            if name == "broken":
                raise HastenError("no inputs for broken", code="inputs-none", mend="give some")
            if name == "crash":
                raise RuntimeError("secret detail")
            while name != "quick":
                try:
                    await asyncio.sleep(3600)
                except asyncio.CancelledError:
                    note(f"cancelled-{name}")
                    if name != "deaf":
                        raise
            return Outcome((), (), InputsSummary("generated", 1), None)

        async def close(self) -> None:
            note("closed")

    async def connect(workspace: Path) -> Engine:
        stuck = (workspace / "stuck").exists()
        try:
            while stuck:
                await asyncio.sleep(3600)
        except asyncio.CancelledError:
            with (folder / "unstuck").open("a") as file:
                file.write("x")
            raise
        return Engine()

    real = spec.find_python

    def find(*arguments: Any, near: Path, **more: Any) -> Any:
        if near.name == "blocked.py":
            note("blocked")
            time.sleep(3600)
        return real(*arguments, near=near, **more)

    class Failing(Feature):
        def __getattribute__(self, name: str) -> Any:
            if not name.startswith("_"):
                print("printed by mistake")
                os.write(1, b"written to the descriptor by mistake\n")
                raise RuntimeError("secret detail")
            return super().__getattribute__(name)

    engine_client.connect_or_start = connect  # type: ignore[assignment]
    spec.find_python = find  # type: ignore[assignment]
    setup.FEATURES = (Failing, *setup.FEATURES)  # type: ignore[assignment]


if __name__ == "__main__":
    from hasten.launcher import main

    print("printed before it began", file=sys.stderr)
    patch(Path.cwd())
    sys.exit(main())
