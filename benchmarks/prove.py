"""Seconds from the command to a proved edit, split by stage, for a function of about 1 ms.

    python -m benchmarks.prove [--runs 5]

Peer in the same run: what a person would do by hand for one candidate without hasten,
``python -m timeit`` on each side (no equality, no interval, one process).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from hasten.paths import workspace_of
from server.engine_client import connect_or_start

SLOW = """def common(xs, ys):
    out = []
    for x in xs:
        if x in ys:
            out.append(x)
    return out
"""
INPUTS = """import random


def inputs():
    for n in (300, 320, 340, 360):
        xs = [random.randrange(10**6) for _ in range(n)]
        yield (xs, [random.randrange(10**6) for _ in range(n)]), {}
"""
HASTEN = str(Path(sys.executable).with_name("hasten"))


def timed(command: list[str], folder: Path, env: dict[str, str]) -> tuple[float, str]:
    start = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=True)
    return time.perf_counter() - start, done.stdout


def stages_of(receipt: dict[str, object]) -> dict[str, float]:
    return {stage["name"]: stage["seconds"] for stage in receipt["stages"]}


def engine_memory(folder: Path, env: dict[str, str]) -> tuple[float, float]:
    """Resident MB of a fresh engine, and its peak after one search."""
    os.environ.update(env)

    async def asked() -> int:
        client = await connect_or_start(folder)
        try:
            return (await client.status()).pid
        finally:
            await client.close()

    def megabytes(pid: int, field: str) -> float:
        status = Path(f"/proc/{pid}/status").read_text()
        return int(status.split(f"{field}:")[1].split()[0]) / 1024

    pid = asyncio.run(asked())
    fresh = megabytes(pid, "VmRSS")
    command = [HASTEN, "optimize", "slow.py::common", "--inputs", "given.py", "--json"]
    timed(command, folder, env)
    return fresh, megabytes(pid, "VmHWM")


def row(name: str, seconds: list[float]) -> None:
    low, high = min(seconds), max(seconds)
    print(f"{name:44} {statistics.median(seconds):7.2f} {low:7.2f} {high:7.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        env = {
            **os.environ,
            "XDG_DATA_HOME": f"{scratch}/data",
            "XDG_STATE_HOME": f"{scratch}/state",
        }
        (folder / "slow.py").write_text(SLOW)
        (folder / "fast.py").write_text(
            SLOW.replace("    out = []\n", "    out = []\n    ys = set(ys)\n")
        )
        (folder / "given.py").write_text(INPUTS)
        verify = [HASTEN, "verify", "slow.py", "fast.py", "--function", "common"]
        optimize = [HASTEN, "optimize", "slow.py::common"]
        flags = ["--inputs", "given.py", "--json"]
        walls: dict[str, list[float]] = {"verify": [], "optimize": [], "timeit": []}
        stages: dict[str, list[float]] = {}
        for number in range(runs):
            seconds, out = timed([*verify, *flags], folder, env)
            walls["verify"].append(seconds)
            for name, took in stages_of(json.loads(out)["receipt"]).items():
                stages.setdefault(name, []).append(took)
            # a fresh state: an edit that was proved before would not be searched again
            fresh = {**env, "XDG_STATE_HOME": f"{scratch}/state{number}"}
            walls["optimize"].append(timed([*optimize, *flags], folder, fresh)[0])
            start = time.perf_counter()
            for module in ("slow", "fast"):
                setup = f"import {module}, given; a = [i[0] for i in given.inputs()]"
                timed(
                    [sys.executable, "-m", "timeit", "-s", setup,
                     f"for xs, ys in a: {module}.common(xs, ys)"],
                    folder, env,
                )  # fmt: skip
            walls["timeit"].append(time.perf_counter() - start)
        print(f"{'seconds':44} {'median':>7} {'min':>7} {'max':>7}   ({runs} runs)")
        row("hasten verify, whole command", walls["verify"])
        for name, took in stages.items():
            row(f"  of it: {name}", took)
        timing = [a + b for a, b in zip(stages["timing"], stages["confirmation"], strict=True)]
        row("  timing phase (timing + confirmation)", timing)
        row("hasten optimize, first command (engine starts)", walls["optimize"])
        row("python -m timeit on both sides", walls["timeit"])
        ratio = statistics.median(walls["verify"]) / statistics.median(walls["timeit"])
        print(f"verify / timeit by hand: {ratio:.2f}")
        env = {**env, "XDG_STATE_HOME": f"{scratch}/memory"}
        fresh, peak = engine_memory(workspace_of(folder), env)
        print(f"engine, resident MB: {fresh:.0f} after its start, {peak:.0f} at most in a search")


if __name__ == "__main__":
    main()
