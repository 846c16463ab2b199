"""The demonstration behind `make demo`: a slow program, profiled, proved and made faster.

Works on a scratch copy of examples/shop with scratch state folders, through the real command line.
Exits with 1 when nothing was proved, when the program's own tests fail afterwards, when its output
changed, or when it did not get faster.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
CONSOLE = Console(highlight=False)


def say(text: str) -> None:
    CONSOLE.print(f"\n[bold]{text}[/]")


def shown(command: list[str]) -> str:
    return " ".join(Path(word).name if word == sys.executable else word for word in command)


def run(command: list[str], cwd: Path, env: dict[str, str], **options: object) -> str:
    """Run a command, with its progress on stderr, and return its standard output."""
    done = subprocess.run(
        command, cwd=cwd, env=env, stdout=subprocess.PIPE, text=True, check=False, **options
    )
    if done.returncode:
        raise SystemExit(f"{shown(command)}: exit code {done.returncode}\n{done.stdout}")
    return done.stdout


def timed_run(cwd: Path, env: dict[str, str]) -> tuple[float, str]:
    """Seconds of the faster of two whole runs, and the program's output."""
    seconds, output = [], ""
    for _ in range(2):
        start = time.perf_counter()
        output = run([sys.executable, "main.py"], cwd, env)
        seconds.append(time.perf_counter() - start)
    return min(seconds), output


def results_table(outcome: dict[str, object]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("function", "edits", "faster (95 %)", "equality", "inputs"):
        table.add_column(name)
    for s in outcome["suggestions"]:
        low, high = s["interval"]
        used = s["receipt"]["inputs"]
        table.add_row(
            f"{Path(s['path']).name}::{s['function']}",
            "\n".join(rung["title"] for rung in s["edits"]),
            f"{s['ratio']:.2f}x ({low:.2f} to {high:.2f})",
            s["equality"],
            f"{used['count']} {used['source']}",
        )
    return table


def main() -> int:
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="hasten-demo-") as scratch:
        folder = Path(scratch)
        shop = folder / "shop"
        shutil.copytree(ROOT / "examples" / "shop", shop)
        (shop / "hasten.toml").write_text("# marks the root of the workspace\n")
        env = {
            **os.environ,
            "XDG_DATA_HOME": str(folder / "data"),
            "XDG_STATE_HOME": str(folder / "state"),
            "HASTEN_ENGINE_IDLE_S": "1",
        }
        hasten = [str(Path(sys.executable).with_name("hasten"))]

        say("1. the program as it is (a scratch copy of examples/shop)")
        before, output = timed_run(shop, env)
        CONSOLE.print(f"   python main.py: {before:.2f} s")

        say("2. hasten profile -- python main.py")
        profile = [*hasten, "profile", "--no-capture", "--", sys.executable, "main.py"]
        CONSOLE.print(run(profile, shop, env))

        say("3. hasten optimize --apply -- python main.py")
        command = [*hasten, "optimize", "--apply", "--json", "--", sys.executable, "main.py"]
        outcome = json.loads(run(command, shop, env))
        CONSOLE.print(results_table(outcome))
        for r in outcome["rejected"]:
            CONSOLE.print(
                f"   not offered: {r['function']}: {r['title']} - {r['stage']}: {r['reason']}",
                style="dim", markup=False,
            )  # fmt: skip

        say("4. its own tests, and the whole run again")
        run(
            [sys.executable, "-m", "unittest", "discover", "-q", "-s", "tests", "-t", "."],
            shop, env, stderr=subprocess.STDOUT,
        )  # fmt: skip
        after, output_after = timed_run(shop, env)
        CONSOLE.print("   tests pass")
        CONSOLE.print(f"   output {'is the same' if output == output_after else 'DIFFERS'}")
        CONSOLE.print(f"   python main.py: [bold]{before:.2f} s → {after:.2f} s[/]")
        CONSOLE.print(f"\n   the demonstration took {time.perf_counter() - started:.0f} s")
        good = outcome["suggestions"] and output == output_after and after < before
        return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
