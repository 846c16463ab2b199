"""Hostile candidates through the whole proof at both levels: what caught each, and the totals.

    python -m benchmarks.hostile [--level L1] [--only PATTERN]

Ends with "accepted beyond honest speed: 0 of N; side effects: 0", or with exit code 1.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from benchmark_runner.receipt import Level
from benchmark_runner.sandbox.probe import probe
from tests.benchmark_runner.hostile import CHEATS
from tests.benchmark_runner.hostile.world import Worlds

LEVELS: tuple[Level, ...] = ("L1", "L2")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--level", choices=LEVELS, help="only this one")
    parser.add_argument("--only", default=".*", help="cheats whose whole name matches")
    given = parser.parse_args()
    had = [level for level in LEVELS if level <= probe().possible]
    levels = [level for level in had if given.level in (None, level)]
    chosen = [one for one in CHEATS if re.fullmatch(given.only, one.name)]
    caught: Counter[str] = Counter()
    beyond = touched = runs = unexpected = 0
    since = time.perf_counter()
    print(f"{'cheat':<58} {'at':<3} {'decision':<13} {'stage':<13} {'s':>5}")
    with tempfile.TemporaryDirectory(prefix="hostile-") as name:
        worlds = Worlds(Path(name).resolve())
        for one in chosen:
            for level in levels:
                done = worlds.prove(one, level)
                runs += 1
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
    print("\nended by: " + ", ".join(f"{name} {count}" for name, count in caught.most_common()))
    print(f"{len(chosen)} cheats at {', '.join(levels)}: {time.perf_counter() - since:.0f} s")
    print(f"accepted beyond honest speed: {beyond} of {runs}; side effects: {touched}")
    return 1 if beyond or touched or unexpected else 0


if __name__ == "__main__":
    sys.exit(main())
