"""What a function's cost means: where it is spent, who calls it too often, what helps.

Facts only, said in one sentence; whether an edit really helps is for the proof to tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from analysis.profiles.model import CallCost, FunctionCost, Profile, Unit

Advice = Literal["rewrite", "native", "callers", "callees"]
"""Where a fix belongs: in the function's own Python code, in the choice of the native or library
code that it calls, in its callers (fewer calls), or in the functions that it calls."""

OFTEN_CALLS = 1_000
"""Fewer calls than this are never called too many."""
OFTEN_PER_CALL = 20.0
"""Calls for each call of the caller, from which the caller is named as one that calls too often."""
TINY_CALL_S = 5e-6
"""A call that takes less than this has little in it that could be saved."""

_CALLERS = 3
_SMALL_CALLER = 0.05
_MOSTLY = 0.5
_PASSES_THROUGH = 0.2

_RUN: dict[Unit, str] = {
    "seconds": "the run",
    "samples": "the run",
    "bytes": "the bytes allocated",
    "allocations": "the allocations",
    "instructions": "the instructions",
}


@dataclass(frozen=True)
class Caller:
    """Who calls a function. `share` is its part of the calls, or of the cost where calls are not
    counted. `calls` and `per_call` (calls for each call of the caller) are None where not counted.

    `saves` is what one call for each call of the caller would save of the whole run, 0..1.
    `function` is the qualified name, "<module>" for a file's own lines.
    """

    function: str
    path: str
    share: float
    calls: int | None
    per_call: float | None
    saves: float


def share_text(share: float) -> str:
    """A share of the run: 31 %, 4.2 %."""
    return f"{share * 100:.0f} %" if share >= 0.0995 else f"{share * 100:.1f} %"


def run_words(unit: Unit) -> str:
    """What shares are of: "the run", "the bytes allocated"."""
    return _RUN[unit]


def callers_of(
    profile: Profile, number: int, edges: Sequence[CallCost], names: Sequence[tuple[str, str]]
) -> tuple[Caller, ...]:
    """The callers of function `number` that count, the busiest first.

    `edges` are the calls of it; `names` are path and name of each of the profile's functions.
    """
    function = profile.functions[number]
    counted = function.calls is not None and all(e.calls is not None for e in edges)
    whole = float(function.calls or 0) if counted else sum(e.cost for e in edges)
    found = []
    for edge in edges:
        weight = float(edge.calls or 0) if counted else edge.cost
        share = min(1.0, weight / whole) if whole > 0 else 0.0
        if share < _SMALL_CALLER:
            continue
        per_call = _per_call(edge, profile.functions[edge.caller]) if counted else None
        cost = min(edge.cost, function.total_cost) / profile.total
        saves = cost * (1 - 1 / per_call) if per_call is not None and per_call > 1 else 0.0
        path, name = names[edge.caller]
        found.append(
            Caller(name, path, share, edge.calls if counted else None, per_call, min(1.0, saves))
        )
    return tuple(sorted(found, key=lambda c: (-c.share, c.path, c.function))[:_CALLERS])


def _per_call(edge: CallCost, caller: FunctionCost) -> float | None:
    if edge.calls is None:
        return None
    if caller.name == "<module>":
        return float(edge.calls)  # a file's own lines run once
    return edge.calls / caller.calls if caller.calls else None


def native_share(function: FunctionCost) -> float | None:
    """The part of the direct cost that ran outside of Python code, 0..1; None where not told."""
    if function.native_cost is None or function.direct_cost <= 0:
        return None
    return min(1.0, function.native_cost / function.direct_cost)


def calls_too_often(callers: Sequence[Caller], calls: int | None) -> Caller | None:
    """The caller that makes most of many calls, many for each call of its own; None without one."""
    if not callers or calls is None or calls < OFTEN_CALLS:
        return None
    top = callers[0]
    often = top.per_call is not None and top.per_call >= OFTEN_PER_CALL
    return top if often and top.share >= _MOSTLY else None


def advice_of(profile: Profile, function: FunctionCost, callers: Sequence[Caller]) -> Advice:
    """Where a fix of a function's cost belongs."""
    if function.direct_cost < _PASSES_THROUGH * function.total_cost:
        return "callees"
    tiny = _call_seconds(profile, function)
    if tiny is not None and tiny < TINY_CALL_S and calls_too_often(callers, function.calls):
        return "callers"
    return "native" if (native_share(function) or 0.0) >= _MOSTLY else "rewrite"


def _call_seconds(profile: Profile, function: FunctionCost) -> float | None:
    if profile.unit != "seconds" or not function.calls:
        return None
    return function.total_cost / function.calls


def why(
    profile: Profile,
    function: FunctionCost,
    callers: Sequence[Caller],
    *,
    resumed: bool = False,
) -> str:
    """One sentence: what the function costs, where, what helps, and who calls it how often.

    `resumed` tells that it is a generator: going on counts as a call.
    """
    advice = advice_of(profile, function, callers)
    said = _SENTENCES[advice](profile, function, callers)
    calls = "" if advice == "callers" else _call_words(function, callers, resumed=resumed)
    return f"{said}{f'; {calls}' if calls else ''}."


def _rewrite(profile: Profile, function: FunctionCost, callers: Sequence[Caller]) -> str:
    run = run_words(profile.unit)
    worth, own = function.direct_cost / profile.total, function.self_cost / profile.total
    native = native_share(function)
    if native is None:
        head = f"{share_text(worth)} of {run} is spent in its lines and the library code they call"
        return f"{head}: see the hottest of them first"
    if own < _MOSTLY * worth:
        return (
            f"{share_text(worth)} of {run} is spent here, most of it in Python code of libraries "
            "that it calls: call them less often, or another one"
        )
    return f"its own Python code takes {share_text(own)} of {run}: rewrite its loop"


def _native(profile: Profile, function: FunctionCost, callers: Sequence[Caller]) -> str:
    worth = share_text(function.direct_cost / profile.total)
    native = share_text(native_share(function) or 0.0)
    return (
        f"of the {worth} of {run_words(profile.unit)} spent here {native} is native code that it "
        "calls: another algorithm or library, or fewer calls into it, not other Python"
    )


def _callers(profile: Profile, function: FunctionCost, callers: Sequence[Caller]) -> str:
    seconds, calls = _call_seconds(profile, function), function.calls
    often = calls_too_often(callers, calls)
    assert seconds is not None and calls is not None and often is not None  # see advice_of
    return (
        f"each of its {calls:,} calls takes {seconds * 1e6:.2g} µs, so there is little to save "
        f"inside: {caller_name(often)} makes {share_text(often.share)} of them, "
        f"{per_call_text(often)}, and could save {share_text(often.saves)} of "
        f"{run_words(profile.unit)} by calling it once"
    )


def _callees(profile: Profile, function: FunctionCost, callers: Sequence[Caller]) -> str:
    total = min(1.0, function.total_cost / profile.total)
    return (
        f"{share_text(total)} of {run_words(profile.unit)} passes through it, but only "
        f"{share_text(function.direct_cost / profile.total)} is its own: see what it calls"
    )


_SENTENCES = {"rewrite": _rewrite, "native": _native, "callers": _callers, "callees": _callees}


def _call_words(function: FunctionCost, callers: Sequence[Caller], *, resumed: bool) -> str:
    """ "called 1,200,000 times, 99 % of them by `render`, 400 for each of its calls"."""
    if function.calls is None:
        if not callers:
            return ""
        return f"{share_text(callers[0].share)} of it for {caller_name(callers[0])}"
    verb = "called or resumed" if resumed else "called"
    if function.calls == 1:
        return f"{verb} once"
    words = f"{verb} {function.calls:,} times"
    if not callers or callers[0].share < _MOSTLY:
        return words
    top = callers[0]
    words += f", {share_text(top.share)} of them by {caller_name(top)}"
    often = top.per_call is not None and top.per_call >= OFTEN_PER_CALL
    return f"{words}, {per_call_text(top)}" if often else words


def caller_name(caller: Caller) -> str:
    """A caller as people name it."""
    if caller.function == "<module>":
        return f"the lines of {caller.path.rsplit('/', 1)[-1]}"
    return "`" + caller.function.replace("`", "") + "`"


def per_call_text(caller: Caller) -> str:
    """ "400 for each of its calls"."""
    if caller.function == "<module>":
        return "in one run of them"
    return f"{caller.per_call or 0.0:,.0f} for each of its calls"
