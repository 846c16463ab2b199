"""Pairs of versions whose true gain is known, of six kinds of workload.

The gain is made of equal work: the original does N rounds of a loop, the candidate N / gain, both
with the same result. Where a call is so short that calling it counts, the rounds are chosen by what
a call costs on this interpreter, so that the whole call has the true gain (``Pair.truth``).
"""

from __future__ import annotations

import timeit
from collections.abc import Mapping
from dataclasses import dataclass

KINDS = ("int loop", "allocation", "strings", "numpy", "1 us call", "50 ms call")

LOOPS: Mapping[str, tuple[str, str, int, float]] = {
    # kind: parameters, body of a round, rounds of a call, seconds of a call (about)
    "int loop": ("n", "        t += i & 7\n", 24_000, 1e-3),
    "allocation": ("n", "        t = [i, (t, i)][0]\n", 16_000, 1e-3),
    "strings": ("n", "        t = len(str(i) + 'x')\n", 7_000, 1e-3),
    "numpy": ("n, a", "        t = float((a * a + a).sum())\n", 160, 1e-3),
    "50 ms call": (
        "n",
        "        t = (t * 5 + i) & 4095\n        d[t & 63] = i\n",
        400_000,
        50e-3,
    ),
}
TINY_LINES = range(30, 46)
TINY_S = 1e-6


@dataclass(frozen=True)
class Pair:
    """The text of both versions, their inputs as a file, and what is true of them."""

    kind: str
    before: str
    after: str
    given: str
    truth: float
    call_s: float
    inputs: int


def overhead_in_lines() -> float:
    """What a call without work costs, in lines of the 1 us kind, on this interpreter."""
    best: dict[int, float] = {}
    scope: dict[int, dict[str, object]] = {}
    for lines in (0, 40):
        scope[lines] = {}
        exec(_tiny(lines), scope[lines])
    for _ in range(40):
        for lines, names in scope.items():
            took = timeit.timeit("work(3)", globals=names, number=20_000)
            best[lines] = min(took, best.get(lines, took))
    return best[0] / ((best[40] - best[0]) / 40)


def _tiny(lines: int) -> str:
    return "def work(n):\n    t = n\n" + "    t = (n * 5 + 3) & 63\n" * lines + "    return None\n"


def _tiny_pair(gain: float, overhead: float) -> Pair:
    def off(lines: tuple[int, int]) -> tuple[float, int]:
        truth = (lines[0] + overhead) / (lines[1] + overhead)
        return abs(truth - gain), lines[1]

    best = min(((n, m) for m in TINY_LINES for n in range(m, 3 * m)), key=off)
    truth = (best[0] + overhead) / (best[1] + overhead)
    given = "def inputs():\n    return [((k,), {}) for k in (3, 4, 5)]\n"
    return Pair("1 us call", _tiny(best[0]), _tiny(best[1]), given, truth, TINY_S, 3)


def make_pair(kind: str, gain: float, overhead: float) -> Pair:
    """A pair with this true gain (1.0: identical code). `overhead` is as of overhead_in_lines."""
    if kind == "1 us call":
        return _tiny_pair(gain, overhead)
    parameters, body, rounds, call_s = LOOPS[kind]

    def text(share: float) -> str:
        return (
            f"def work({parameters}):\n    n = int(n / {share!r})\n    t = 0\n    d = {{}}\n"
            f"    for i in range(n):\n{body}    return None\n"
        )

    count = 2 if call_s > 5e-3 else 3
    arrays = kind == "numpy"
    values = f"({rounds} + k, array)" if arrays else f"({rounds} + k,)"
    given = (
        "import numpy\n\narray = numpy.arange(700.0)\n\n\n" if arrays else ""
    ) + f"def inputs():\n    return [({values}, {{}}) for k in range({count})]\n"
    return Pair(kind, text(1.0), text(gain), given, gain, call_s, count)
