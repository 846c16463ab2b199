"""Which cases of a program are timed, and which are kept back to confirm a gain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmark_runner.measuring.planning import plan_inputs
from benchmark_runner.native.behaviour import Known, Original
from benchmark_runner.native.runner import Runner

LEAST_RUN_S = 0.002
"""CPU seconds beside the program's start that a run must take to be timed."""
_TIMED_S = 0.8
"""CPU seconds that one pass over the timed cases may take."""
_MOST_TIMED = 8
_MOST_HELD = 6
_SHARE = 0.25
"""A case is timed when it takes at least this share of the dearest one."""


@dataclass(frozen=True)
class Plan:
    """Cases to time, those to confirm on, and CPU seconds of an empty program.

    `note` is for the receipt. Without cases to time, `short` says why.
    """

    timed: tuple[int, ...]
    holdout: tuple[int, ...]
    start_s: float
    note: str = ""
    short: str = ""


def plan_program(original: Original, runner: Runner, start_s: float, *, make: bool) -> Plan:
    """The dearest of the given cases; where all are too short, larger ones made from them.

    With `make`, fresh cases of the same shapes are kept back.
    """
    given = [known for known in original.known if known.case.source == "cases"]
    longest = max(one.run.cpu_s for one in given)
    timed, note = _long_enough(given, start_s), ""
    if not timed and make:
        timed = _long_enough(original.larger(runner, start_s + 5 * LEAST_RUN_S), start_s)
        if timed:
            note = (
                f"the given cases are too short to time (the longest takes {longest * 1e3:.1f} ms, "
                f"starting alone {start_s * 1e3:.1f} ms): timed on larger ones made from them"
            )
    if not timed:
        short = (
            f"the longest case takes {longest * 1e3:.1f} ms of CPU, starting the "
            f"program alone {start_s * 1e3:.1f} ms: too short to time; cases that take "
            f"{LEAST_RUN_S * 1e3:.0f} ms or more beside that would decide it"
        )
        return Plan((), (), start_s, short=short)
    chosen = _chosen(timed)
    held: list[int] = []
    if make:
        dear = sorted(chosen, key=lambda known: -known.run.cpu_s)[:_MOST_HELD]
        fresh = [original.fresh(known, runner) for known in dear]
        kept = _long_enough([one for one in fresh if one is not None], start_s)
        held = [known.index for known in kept]
    return Plan(tuple(known.index for known in chosen), tuple(held), start_s, note)


def _long_enough(known: Sequence[Known], start_s: float) -> list[Known]:
    costs = [one.run.cpu_s - start_s for one in known]
    least = max([LEAST_RUN_S, *(_SHARE * cost for cost in costs)])
    return [one for one, cost in zip(known, costs, strict=True) if cost >= least]


def _chosen(timed: Sequence[Known]) -> list[Known]:
    """At most eight of them, evenly spaced over their size."""
    ranked = sorted(timed, key=lambda known: (-known.run.cpu_s, known.index))
    plan = plan_inputs(
        [known.run.cpu_s for known in ranked], [len(k.case.input) for k in ranked], _TIMED_S
    )
    kept = [ranked[place] for place in plan.timed]
    while len(kept) > _MOST_TIMED:
        kept = kept[::2]
    return sorted(kept, key=lambda known: known.index)
