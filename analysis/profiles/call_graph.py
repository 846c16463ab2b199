"""Costs of functions from a table of calls: who called whom, how often, for how long.

What pstats files hold. Time in builtin and library code counts as direct cost of the workspace's
function that called it, up to where that code calls the workspace again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import nlargest

from analysis.profiles.model import CallCost, FunctionCost
from analysis.profiles.places import Place

Key = tuple[str, int, str]
"""A function as the profile calls it: file, line, name."""

_BUILTIN = "~"
_MAX_CALLERS = 10
_SMALL_SHARE = 1e-4
_SMALL_CALLER = 5e-3
_MAX_STEPS = 2_000_000
_MAX_CALLER_STEPS = 500_000


@dataclass
class Edge:
    """Calls from one function to another; `total` seconds."""

    calls: float
    total: float


@dataclass
class Entry:
    """One function of the table; seconds."""

    calls: int
    self_s: float
    total_s: float
    callers: dict[Key, Edge] = field(default_factory=dict)


def whole_of(entries: dict[Key, Entry]) -> float:
    """What the run cost as a whole.

    Own costs add up to it, but in yappi's files, which leave out what builtins took: there the
    outermost function knows more.
    """
    own = sum(entry.self_s for entry in entries.values())
    return max(own, max((entry.total_s for entry in entries.values()), default=0.0))


def costs_of(
    entries: dict[Key, Entry], where: dict[Key, Place | None]
) -> tuple[tuple[FunctionCost, ...], dict[Place | Key, int]]:
    """The functions of the profile, and their places in it."""
    groups: defaultdict[Place | Key, list[Key]] = defaultdict(list)
    for key in entries:
        groups[where[key] or key].append(key)
    returned = _returned(entries, where)
    native = _spread(
        entries, where, lambda key: entries[key].self_s if key[0] == _BUILTIN else 0.0, ours=0.0
    )
    direct: defaultdict[Place | Key, float] = defaultdict(float)
    outside: defaultdict[Place | Key, float] = defaultdict(float)
    for key, entry in entries.items():
        direct[where[key] or key] += entry.self_s
        if where[key] is None:
            for caller, edge in entry.callers.items():
                home = where.get(caller)
                if home is not None:
                    direct[home] += edge.total * (1 - returned[key])
                    outside[home] += edge.total * native[key]
    costs: list[FunctionCost] = []
    numbers: dict[Place | Key, int] = {}
    for group, keys in groups.items():
        own = sum(entries[k].self_s for k in keys)
        total = max(own, *(entries[k].total_s for k in keys))
        whole = max(own, min(direct[group], total))
        ours = isinstance(group, Place)
        if isinstance(group, Place):
            path, line, name = group.path, group.line, group.name
        else:
            path, line, name = group
        numbers[group] = len(costs)
        costs.append(
            FunctionCost(
                path=path,
                name=name,
                line=line,
                self_cost=own,
                total_cost=total,
                direct_cost=whole,
                calls=sum(entries[k].calls for k in keys if _is_main(k, group)),
                native_cost=min(outside[group], whole - own) if ours else None,
            )
        )
    return tuple(costs), numbers


def _is_main(key: Key, group: Place | Key | None) -> bool:
    """Whether an entry is of the function itself, not of a lambda or comprehension in it."""
    if not isinstance(group, Place):
        return True
    return key[2].rsplit(".", 1)[-1] == group.name.rsplit(".", 1)[-1]  # yappi has "Grid.fill"


def _returned(entries: dict[Key, Entry], where: dict[Key, Place | None]) -> defaultdict[Key, float]:
    """Of each function outside the workspace, the share of its time that the workspace ran in.

    ``sorted(key=ours)`` or a framework that calls our handlers: that time is not the direct cost of
    whoever called ``sorted``.
    """
    return _spread(entries, where, lambda key: 0.0, ours=1.0)


def _spread(
    entries: dict[Key, Entry],
    where: dict[Key, Place | None],
    own: Callable[[Key], float],
    *,
    ours: float,
) -> defaultdict[Key, float]:
    """Of each function outside the workspace, the share of its time that is of some kind.

    `own` are the seconds of that kind in its own lines, `ours` is the share in functions of the
    workspace that it calls. Spread from callee to caller until nothing moves; recursion among
    library functions makes cycles, hence a bound on the steps and shares held below 1.
    """
    calls_out: defaultdict[Key, list[tuple[Key, float]]] = defaultdict(list)
    waiting: dict[Key, None] = {key: None for key in entries if where[key] is None and own(key)}
    for key, entry in entries.items():
        for caller, edge in entry.callers.items():
            if caller in entries and where[caller] is None:
                calls_out[caller].append((key, edge.total))
                if ours and where[key] is not None:
                    waiting[caller] = None
    share: defaultdict[Key, float] = defaultdict(float)
    steps = 0
    while waiting and steps < _MAX_STEPS:
        key = next(iter(waiting))
        del waiting[key]
        callees, total = calls_out[key], entries[key].total_s
        steps += len(callees) + 1
        kind = own(key) + sum(
            t * (share[callee] if where[callee] is None else ours) for callee, t in callees
        )
        new = min(1.0, kind / total) if total > 0 else 0.0
        if abs(new - share[key]) > _SMALL_SHARE:
            share[key] = new
            for caller in entries[key].callers:
                if caller in entries and where[caller] is None:
                    waiting[caller] = None
    return share


def calls_of(
    entries: dict[Key, Entry], where: dict[Key, Place | None], numbers: dict[Place | Key, int]
) -> tuple[CallCost, ...]:
    """Calls between functions of the workspace, those through library code included, and calls
    that functions of the workspace make into builtins and libraries themselves."""
    callers, returned = _nearest(entries, where), _returned(entries, where)
    edges: defaultdict[tuple[Place, Place | Key], list[float]] = defaultdict(lambda: [0.0, 0.0])
    for key, entry in entries.items():
        callee = where[key]
        if callee is None:
            for caller, edge in entry.callers.items():
                home = where.get(caller)
                if home is not None:
                    edges[home, key][0] += edge.calls
                    edges[home, key][1] += edge.total * (1 - returned[key])
            continue
        if not _is_main(key, callee):
            continue
        for caller, edge in entry.callers.items():
            home = where.get(caller)
            shares = {home: 1.0} if home is not None else callers.get(caller, {})
            for place, share in shares.items():
                if place != callee:
                    edges[place, callee][0] += edge.calls * share
                    edges[place, callee][1] += edge.total * share
    return tuple(
        CallCost(numbers[caller], numbers[callee], round(calls), cost)
        for (caller, callee), (calls, cost) in edges.items()
    )


def _nearest(
    entries: dict[Key, Entry], where: dict[Key, Place | None]
) -> dict[Key, dict[Place, float]]:
    """Of library functions that call the workspace: for which of its functions, in shares.

    Shares are of the time that the library function took for each of its callers, else of the
    calls; only the largest are followed. Bounded as `_spread` is.
    """
    wanted = {
        caller
        for key, entry in entries.items()
        if where[key] is not None
        for caller in entry.callers
        if caller in entries and where[caller] is None
    }
    waiting, callees = list(wanted), defaultdict[Key, list[Key]](list)
    while waiting:
        key = waiting.pop()
        for caller in entries[key].callers:
            if caller in entries and where[caller] is None:
                callees[caller].append(key)
                if caller not in wanted:
                    wanted.add(caller)
                    waiting.append(caller)
    found: dict[Key, dict[Place, float]] = {}
    todo, steps = dict.fromkeys(wanted), 0
    while todo and steps < _MAX_CALLER_STEPS:
        key = next(iter(todo))
        del todo[key]
        shares, cost = _callers_of(entries[key], where, found)
        steps += cost
        before = found.get(key, {})
        if any(
            abs(share - before.get(place, 0.0)) > _SMALL_CALLER for place, share in shares.items()
        ):
            found[key] = shares
            todo.update(dict.fromkeys(callees[key]))
    return found


def _callers_of(
    entry: Entry, where: dict[Key, Place | None], found: dict[Key, dict[Place, float]]
) -> tuple[dict[Place, float], int]:
    """The shares of one library function, and how many steps it took to find them."""
    timed = any(edge.total > 0 for edge in entry.callers.values())
    shares: defaultdict[Place, float] = defaultdict(float)
    steps = 1
    for caller, edge in entry.callers.items():
        home, weight = where.get(caller), edge.total if timed else edge.calls
        above = {home: 1.0} if home is not None else found.get(caller, {})
        steps += len(above) + 1
        for place, share in above.items():
            shares[place] += weight * share
    whole = sum(edge.total if timed else edge.calls for edge in entry.callers.values())
    largest = nlargest(_MAX_CALLERS, shares.items(), key=lambda item: item[1])
    return {place: share / whole for place, share in largest if whole > 0}, steps
