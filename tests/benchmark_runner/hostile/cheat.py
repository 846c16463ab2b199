"""One hostile candidate: what it replaces, what it does, and how fast it honestly is."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import dedent

from benchmark_runner.receipt import Decision

BEFORE = """\
def f(values):
    total = 0
    for value in values:
        total += value * value % 7
    return total
"""
HONEST = BEFORE.replace("def f(", "def honest(")
INPUTS = """\
import random

def inputs():
    random.seed(5)
    for n in (1000, 1100, 1200, 1300, 1400, 1500):
        yield ([random.randrange(10_000) for _ in range(n)],), {}
"""

REFUSED: tuple[Decision, ...] = ("refused",)
WRONG: tuple[Decision, ...] = ("different", "refused")
SLOW: tuple[Decision, ...] = ("not faster", "slower", "inconclusive", "refused")
"""What an honest candidate that is no faster may get too."""


@dataclass(frozen=True)
class Cheat:
    """`after` may name, as @WORD@, what `World.fill` puts there (paths, ports, process ids).

    `honest` is how many times faster it is without the cheat; None where it does not do the work
    at all. `expect` are the decisions that are right for it.
    """

    name: str
    after: str
    expect: tuple[Decision, ...]
    honest: float | None = None
    before: str = BEFORE
    inputs: str = INPUTS
    slow: bool = False
    """Left out of the default test run, since it is timed to the end."""


def cheat(
    name: str,
    code: str,
    expect: tuple[Decision, ...],
    *,
    honest: float | None = None,
    before: str = BEFORE,
    inputs: str = INPUTS,
    slow: bool = False,
) -> Cheat:
    """A cheat whose code may call `honest`, which is the original under another name."""
    original = before.replace("def f(", "def honest(")
    return Cheat(name, original + "\n\n" + dedent(code), expect, honest, before, inputs, slow)
