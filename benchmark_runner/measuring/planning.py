"""Which inputs are timed: not all, not the same for a search as for its proof, and always alike."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

MOST_TIMED = 40
"""More inputs than this are timed by an evenly spaced subset."""
TIMED_CALLS_S = 0.5
"""CPU seconds of the original that one pass over the timed inputs may take."""
FOUND_CALLS_S = 0.25
"""The same for inputs that nobody chose: one that is left out says what its neighbours say."""
_HANDLED_S = 0.15
_HANDLED_BYTES_S = 20e-9
"""Seconds per byte of an encoded input that copying it and checking its answers takes, and how many
of them one pass may take: large inputs with short calls are handled longer than they are timed."""
_LEAST_HANDLED = 4
_LEAST_UNSEEN, _MOST_UNSEEN = 8, 64
_UNSEEN_S = 10e-3
_UNSEEN_CALL_S = 1e-3
"""CPU seconds of the original's calls on all unseen inputs, and on one of them."""
_NEGLIGIBLE = 0.02
"""Calls of a real run that take no more than this share of its time together are not timed."""
_LEAST_SHARE = 32
"""An input that was made up is timed when a call costs this part of the dearest one."""
_ENOUGH_INPUTS = 6
_MOST_GLANCED = 8
_GLANCED_CALLS_S = 0.1
"""The same two for a search, whose findings are proved afterwards."""


@dataclass(frozen=True)
class TimingPlan:
    """Which inputs are timed. `selection` is what a search may look at, `holdout` the rest."""

    timed: tuple[int, ...]
    selection: tuple[int, ...]
    holdout: tuple[int, ...]


def plan_inputs(
    costs_s: Sequence[float], sizes: Sequence[int], calls_s: float = TIMED_CALLS_S
) -> TimingPlan:
    """Choose the inputs to time by their sizes and the original's seconds per call.

    At most 40, evenly spaced over the order of size, and fewer where one pass over them would
    take the original more than `calls_s` seconds, or the handling of large inputs too long. Every
    other one in that order is held out from the search, the largest first. What a call costs is
    never measured twice alike, so it only bounds the number, by its power of two: another run
    chooses the same inputs. Raises ValueError without inputs.
    """
    if not costs_s:
        raise ValueError("no inputs to time")
    ranked = sorted(range(len(costs_s)), key=lambda index: (sizes[index], index))
    costs = [2.0 ** round(math.log2(max(cost, 1e-9))) for cost in costs_s]
    count = min(MOST_TIMED, len(ranked))
    chosen = _spaced(ranked, count)

    def too_long() -> bool:
        handled_s = _HANDLED_BYTES_S * sum(sizes[index] for index in chosen)
        many = count > _LEAST_HANDLED and handled_s > _HANDLED_S
        return many or sum(costs[index] for index in chosen) > calls_s

    while count > 2 and too_long():
        count -= 1
        chosen = _spaced(ranked, count)
    held = chosen[::-1][::2] if count > 1 else []
    return TimingPlan(
        timed=tuple(sorted(chosen)),
        selection=tuple(sorted(set(chosen) - set(held))),
        holdout=tuple(sorted(held)),
    )


def weighty(costs_s: Mapping[int, float], stands_for: float = 1.0) -> list[int]:
    """The calls of a real run that make up 98 % of its time, in order.

    Hundreds of short calls would outvote the one that the run waits for, since every input weighs
    the same. `stands_for` says how many calls of the run each short one may stand for. Costs count
    by their power of eight: another run leaves out the same ones.
    """
    rough = {i: 8.0 ** round(math.log(max(cost, 1e-9), 8)) for i, cost in costs_s.items()}
    left_out, most = 0.0, _NEGLIGIBLE * sum(rough.values())
    kept = set(costs_s)
    for index in sorted(rough, key=lambda i: (rough[i], i)):
        left_out += stands_for * rough[index]
        if left_out > most:
            break
        kept.discard(index)
    least = min(rough[index] for index in kept)
    return [index for index in costs_s if rough[index] >= least]


def worth_timing(costs_s: Mapping[int, float]) -> list[int]:
    """Of inputs that were made up, those on which the function has something to do.

    A call on an empty list is as short as the clock is blurred, and its ratio is another one in
    every run. Where few would be left, all are timed.
    """
    floor = min(costs_s.values())  # of one call by the clock, much of it the clock's own
    dearest = max(costs_s.values()) - floor
    worth = [i for i, cost in costs_s.items() if (cost - floor) * _LEAST_SHARE >= dearest]
    return worth if len(worth) >= _ENOUGH_INPUTS else list(costs_s)


def _spaced(items: Sequence[int], count: int) -> list[int]:
    """`count` of the items, evenly spaced, both ends included where there is room for them."""
    if count == 1:
        return [items[len(items) // 2]]
    step = (len(items) - 1) / (count - 1)
    return [items[round(place * step)] for place in range(count)]


def unseen_inputs(
    used: Sequence[int], timed: Sequence[int], costs_s: Mapping[int, float]
) -> list[int]:
    """Inputs with short calls that are not timed: their first calls tell what a memory is worth.

    None where they are too few to be told together.
    """
    left_s = _UNSEEN_S
    found: list[int] = []
    for index in sorted(set(used) - set(timed)):
        if costs_s[index] <= min(left_s, _UNSEEN_CALL_S) and len(found) < _MOST_UNSEEN:
            left_s -= costs_s[index]
            found.append(index)
    return found if len(found) >= _LEAST_UNSEEN else []


def glanced_inputs(plan: TimingPlan, costs_s: Mapping[int, float]) -> tuple[int, ...]:
    """The few inputs that a search times: of those not held out, spread over the cost."""
    ranked = sorted(plan.selection, key=lambda index: (costs_s[index], index))
    count = min(_MOST_GLANCED, len(ranked))
    while count > 1 and sum(costs_s[i] for i in _spaced(ranked, count)) > _GLANCED_CALLS_S:
        count -= 1
    return tuple(sorted(_spaced(ranked, count)))
