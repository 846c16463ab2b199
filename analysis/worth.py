"""What a function's cost means: where it is spent, who calls it too often, what helps.

Facts only, said in one sentence; whether an edit really helps is for the proof to tell.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
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
_CALLEES = 3
_METHOD = re.compile(r"<method '([\w]+)' of '([\w.]+)' objects>")
_BUILTIN = re.compile(r"<built-in method ([\w.]+)>")
_LOOP = re.compile(r"^\s*(?:async\s+)?(?:for|while)\b|\bfor\b.*\bin\b", re.MULTILINE)
_PAUSES = re.compile(r"\b(?:yield|await)\b")
_SMALL_CALLER = 0.05
_MOSTLY = 0.5
_NEARLY_ALL = 0.95
_ALL = 0.995
_AND_LIBRARIES = " and the library code that they call"
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

    `saves` is what one call for each call of the caller would save of the whole run, 0..1; 0 where
    going on after a pause counts as a call, since then most of them can't be left out.
    `function` is the qualified name, "<module>" for a file's own lines.
    """

    function: str
    path: str
    share: float
    calls: int | None
    per_call: float | None
    saves: float


@dataclass(frozen=True)
class Callee:
    """A builtin or library function that a function calls itself; `share` is of the whole run."""

    function: str
    share: float


def share_text(share: float) -> str:
    """A share of the run: 31 %, 4.2 %."""
    return f"{share * 100:.0f} %" if share >= 0.0995 else f"{share * 100:.1f} %"


def run_words(unit: Unit) -> str:
    """What shares are of: "the run", "the bytes allocated"."""
    return _RUN[unit]


def callers_of(
    profile: Profile,
    number: int,
    edges: Sequence[CallCost],
    names: Sequence[tuple[str, str]],
    source: str = "",
) -> tuple[Caller, ...]:
    """The callers of function `number` that count, the busiest first.

    `edges` are the calls of it; `names` are path and name of each of the profile's functions;
    `source` is its code, "" where it is not known.
    """
    function = profile.functions[number]
    counted = function.calls is not None and all(e.calls is not None for e in edges)
    whole = float(function.calls or 0) if counted else sum(e.cost for e in edges)
    pauses = _pauses(source)
    found = []
    for edge in edges:
        weight = float(edge.calls or 0) if counted else edge.cost
        share = min(1.0, weight / whole) if whole > 0 else 0.0
        if share < _SMALL_CALLER:
            continue
        per_call = _per_call(edge, profile.functions[edge.caller]) if counted else None
        cost = min(edge.cost, function.total_cost) / profile.total
        saves = 0.0
        if per_call is not None and per_call > 1 and not pauses:
            saves = cost * (1 - 1 / per_call)
        path, name = names[edge.caller]
        found.append(
            Caller(name, path, share, edge.calls if counted else None, per_call, min(1.0, saves))
        )
    return tuple(sorted(found, key=lambda c: (-c.share, c.path, c.function))[:_CALLERS])


def callees_of(profile: Profile, edges: Sequence[CallCost]) -> tuple[Callee, ...]:
    """The builtin and library functions that weigh the most, the heaviest first.

    `edges` are the calls that one function makes, into what is not of the workspace.
    """
    found = [
        Callee(_called_name(profile.functions[e.callee]), min(1.0, e.cost / profile.total))
        for e in edges
        if e.cost > 0
    ]
    return tuple(sorted(found, key=lambda c: (-c.share, c.function))[:_CALLEES])


def _called_name(function: FunctionCost) -> str:
    """ "sorted", "list.append", "copy.deepcopy": as the program writes it, where that shows."""
    method = _METHOD.fullmatch(function.name)
    if method:
        return f"{method[2]}.{method[1]}"
    builtin = _BUILTIN.fullmatch(function.name)
    if builtin:
        return builtin[1].removeprefix("builtins.")
    parts = re.split(r"[\\/]", function.path.removesuffix("/__init__.py"))
    module = parts[-1].removesuffix(".py")
    return f"{module}.{function.name}" if module not in ("", "~") else function.name


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


def advice_of(
    profile: Profile, function: FunctionCost, callers: Sequence[Caller], source: str = ""
) -> Advice:
    """Where a fix of a function's cost belongs; `source` is its code, "" where not known."""
    if function.direct_cost < _PASSES_THROUGH * function.total_cost:
        return "callees"
    tiny = _call_seconds(profile, function)
    often = calls_too_often(callers, function.calls) is not None and not _pauses(source)
    if tiny is not None and tiny < TINY_CALL_S and often:
        return "callers"
    return "native" if (native_share(function) or 0.0) >= _MOSTLY else "rewrite"


def _pauses(source: str) -> bool:
    """Whether it is a generator or coroutine: profilers count going on with one as a call."""
    return _PAUSES.search(source) is not None


def _call_seconds(profile: Profile, function: FunctionCost) -> float | None:
    if profile.unit != "seconds" or not function.calls:
        return None
    return function.total_cost / function.calls


@dataclass(frozen=True)
class _Known:
    """What the sentence is made of; `source` is the function's code, "" where it is not known.

    `hottest` is its line (1-based) that is worth most, and what of the run that is, where known.
    """

    profile: Profile
    function: FunctionCost
    callers: Sequence[Caller]
    callees: Sequence[Callee]
    source: str
    hottest: tuple[int, float] | None

    @property
    def run(self) -> str:
        return run_words(self.profile.unit)

    @property
    def worth(self) -> str:
        return share_text(self.function.direct_cost / self.profile.total)

    @property
    def heaviest(self) -> str:
        """The call that most of what is not its own is spent in, as "`sorted` (12 %)"."""
        rest = (self.function.direct_cost - self.function.self_cost) / self.profile.total
        if not self.callees or self.callees[0].share < _MOSTLY * rest:
            return ""
        return f"`{_bare(self.callees[0].function)}` ({share_text(self.callees[0].share)})"


def why(
    profile: Profile,
    function: FunctionCost,
    callers: Sequence[Caller],
    callees: Sequence[Callee] = (),
    source: str = "",
    *,
    hottest: tuple[int, float] | None = None,
) -> str:
    """One sentence: what the function costs, where, what helps, and who calls it how often."""
    known = _Known(profile, function, callers, callees, source, hottest)
    advice = advice_of(profile, function, callers, source)
    said = _SENTENCES[advice](known)
    calls = "" if advice == "callers" else _call_words(known)
    return f"{said}{f'; {calls}' if calls else ''}."


def _rewrite(known: _Known) -> str:
    function, profile = known.function, known.profile
    native = native_share(function)
    own = function.self_cost / profile.total
    if native is None:
        more = "" if function.self_cost >= _NEARLY_ALL * function.direct_cost else _AND_LIBRARIES
        first = ""
        if known.hottest is not None:
            line, share = known.hottest
            first = f": begin with line {line} ({share_text(share)})"
        return f"{known.worth} of {known.run} goes to its own lines{more}{first}"
    if function.self_cost < _MOSTLY * function.direct_cost:
        inside = known.heaviest or "Python code of libraries"
        return (
            f"of the {known.worth} of {known.run} spent here most is in {inside}: "
            "call it less often, or something lighter"
        )
    what = "its loop" if _LOOP.search(known.source) else "it"
    return f"its own Python code takes {share_text(own)} of {known.run}: rewrite {what}"


def _native(known: _Known) -> str:
    inside = f", most in {known.heaviest}" if known.heaviest else ""
    native = share_text(native_share(known.function) or 0.0)
    return (
        f"of the {known.worth} of {known.run} spent here {native} is native code{inside}: another "
        "algorithm or library, or fewer calls, not other Python"
    )


def _callers(known: _Known) -> str:
    seconds, calls = _call_seconds(known.profile, known.function), known.function.calls
    often = calls_too_often(known.callers, calls)
    assert seconds is not None and calls is not None and often is not None  # see advice_of
    return (
        f"each of its {calls:,} calls takes {seconds * 1e6:.2g} µs, so there is little to save "
        f"inside: {caller_name(often)} makes {_part(often.share)} of them, "
        f"{per_call_text(often)}, and could save up to {share_text(often.saves)} "
        f"of {known.run} with one call each"
    )


def _callees(known: _Known) -> str:
    total = min(1.0, known.function.total_cost / known.profile.total)
    return (
        f"{share_text(total)} of {known.run} passes through it, but only {known.worth} is its own: "
        "see what it calls"
    )


_SENTENCES: dict[Advice, Callable[[_Known], str]] = {
    "rewrite": _rewrite,
    "native": _native,
    "callers": _callers,
    "callees": _callees,
}


def _call_words(known: _Known) -> str:
    """ "called 1,200,000 times, 99 % of them by `render`, 400 for each of its calls"."""
    calls, callers = known.function.calls, known.callers
    if calls is None:
        if not callers:
            return ""
        return f"{_part(callers[0].share)} of it for {caller_name(callers[0])}"
    verb = "called or resumed" if _pauses(known.source) else "called"
    if calls == 1:
        return f"{verb} once"
    words = f"{verb} {calls:,} times"
    if calls < OFTEN_CALLS:
        return words
    if sum(c.share for c in callers) < _MOSTLY and _calls_itself(known):
        return f"{words}, mostly by itself"
    if not callers or callers[0].share < _MOSTLY:
        return words
    top = callers[0]
    words += f", {_part(top.share)} of them by {caller_name(top)}"
    often = top.per_call is not None and top.per_call >= OFTEN_PER_CALL
    return f"{words}, {per_call_text(top)}" if often else words


def _part(share: float) -> str:
    return "all" if share >= _ALL else share_text(share)


def _calls_itself(known: _Known) -> bool:
    name = re.escape(known.function.name.rsplit(".", 1)[-1])
    return len(re.findall(rf"\b{name}\s*\(", known.source)) > 1


def _bare(name: str) -> str:
    return name.replace("`", "")


def caller_name(caller: Caller) -> str:
    """A caller as people name it."""
    if caller.function == "<module>":
        return f"the lines of {caller.path.rsplit('/', 1)[-1]}"
    return f"`{_bare(caller.function)}`"


def per_call_text(caller: Caller) -> str:
    """ "400 for each of its calls"."""
    if caller.function == "<module>":
        return "in one run of them"
    return f"{caller.per_call or 0.0:,.0f} for each of its calls"
