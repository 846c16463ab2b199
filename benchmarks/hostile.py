"""Hostile candidates through the whole proof at both levels: what caught each, and the totals.

    python -m benchmarks.hostile [--level L1] [--only PATTERN] [--jobs 2]

Ends with "accepted beyond honest speed: 0 of N; side effects: 0", or with exit code 1.
"""

from __future__ import annotations

import argparse
import multiprocessing
import re
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from benchmark_runner.receipt import Level
from benchmark_runner.sandbox.probe import probe
from tests.benchmark_runner.hostile import CHEATS
from tests.benchmark_runner.hostile.cheat import Cheat
from tests.benchmark_runner.hostile.world import Worlds

LEVELS: tuple[Level, ...] = ("L1", "L2")


@dataclass(frozen=True)
class Totals:
    """What became of all cheats at one level: how many each stage ended, and what must be 0."""

    caught: Counter[str]
    beyond: int
    touched: int
    unexpected: int


def run(level: Level, only: str) -> Totals:
    """Prove every cheat whose whole name matches, in one process: their world is watched there."""
    caught: Counter[str] = Counter()
    beyond = touched = unexpected = 0
    with tempfile.TemporaryDirectory(prefix="hostile-") as name:
        worlds = Worlds(Path(name).resolve())
        for one in chosen(only):
            done = worlds.prove(one, level)
            caught[done.stage] += 1
            beyond += done.beyond
            touched += bool(done.touched)
            odd = done.receipt.decision not in one.expect
            unexpected += odd
            print(
                f"{one.name[:58]:<58} {level:<3} {done.receipt.decision:<13} "
                f"{done.stage:<13} {done.seconds:5.1f}"
                + (f"  NOT EXPECTED: {done.receipt.reason}" if odd else "")
                + (f"  TOUCHED: {', '.join(done.touched)}" if done.touched else ""),
                flush=True,
            )
        worlds.close()
    return Totals(caught, beyond, touched, unexpected)


def chosen(only: str) -> list[Cheat]:
    """Cheats by a pattern of their whole name."""
    return [one for one in CHEATS if re.fullmatch(only, one.name)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--level", choices=LEVELS, help="only this one")
    parser.add_argument("--only", default=".*", help="cheats whose whole name matches")
    parser.add_argument("--jobs", type=int, default=1, help="2: both levels side by side")
    given = parser.parse_args()
    had = [level for level in LEVELS if level <= probe().possible]
    levels = [level for level in had if given.level in (None, level)]
    since = time.perf_counter()
    print(f"{'cheat':<58} {'at':<3} {'decision':<13} {'stage':<13} {'s':>5}")
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(given.jobs, mp_context=spawn) as pool:
        found = list(pool.map(run, levels, [given.only] * len(levels)))
    caught = sum((one.caught for one in found), Counter[str]())
    print("\nended by: " + ", ".join(f"{name} {count}" for name, count in caught.most_common()))
    took = time.perf_counter() - since
    print(f"{len(chosen(given.only))} cheats at {', '.join(levels)}: {took:.0f} s")
    beyond, touched = (sum(getattr(one, name) for one in found) for name in ("beyond", "touched"))
    print(f"accepted beyond honest speed: {beyond} of {caught.total()}; side effects: {touched}")
    return 1 if beyond or touched or any(one.unexpected for one in found) else 0


if __name__ == "__main__":
    sys.exit(main())
