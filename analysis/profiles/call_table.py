"""Profiles that are tables of functions with their callers: pstats, callgrind, gprof.

Such a table says what each function cost in itself, in total, and on behalf of each caller. What a
library function costs is shared out to the functions of the workspace that called it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from analysis.profiles.model import CallCost, FunctionCost, LineCost, Profile, Unit
from analysis.profiles.places import Place

Key = tuple[str, int, str]
"""File, line and name as the profile has them."""

_SMALL_SHARE = 1e-4
_MAX_STEPS = 5_000_000


@dataclass
class Edge:
    """Calls from one function to another; `total` is what they cost, in the profile's unit."""

    calls: float
    total: float


@dataclass
class Entry:
    """One function of a table, costs in the profile's unit; `calls` is None where not counted."""

    calls: int | None
    self_cost: float
    total: float
    callers: dict[Key, Edge] = field(default_factory=dict)


Groups = dict[Place | Key, list[Key]]


def profile_of(
    entries: Mapping[Key, Entry],
    where: Mapping[Key, Place | None],
    tool: str,
    unit: Unit,
    *,
    sampled: bool = False,
    lines: tuple[LineCost, ...] = (),
    total: float | None = None,
) -> Profile:
    """The profile of a table; `where` says which of its functions are the workspace's.

    `total` is the whole cost where the table says it, else that of all functions' own lines.
    """
    groups: Groups = {}
    for key in entries:
        groups.setdefault(where[key] or key, []).append(key)
    return Profile(
        tool=tool,
        unit=unit,
        total=sum(e.self_cost for e in entries.values()) if total is None else total,
        functions=_costs(entries, where, groups),
        sampled=sampled,
        lines=lines,
        calls=_calls(entries, where, groups),
    )


def _costs(
    entries: Mapping[Key, Entry], where: Mapping[Key, Place | None], groups: Groups
) -> tuple[FunctionCost, ...]:
    returned = _share_returned(entries, where)
    direct: defaultdict[Place | Key, float] = defaultdict(float)
    for key, entry in entries.items():
        direct[where[key] or key] += entry.self_cost
        if where[key] is None:
            for caller, edge in entry.callers.items():
                home = where.get(caller)
                if home is not None:
                    direct[home] += edge.total * (1 - returned[key])
    costs = []
    for group, keys in groups.items():
        own = sum(entries[k].self_cost for k in keys)
        main = [k for k in keys if not isinstance(group, Place) or k[2] == group.name] or keys
        total = max(own, *(entries[k].total for k in keys))
        calls = [n for k in main if (n := entries[k].calls) is not None]
        costs.append(
            FunctionCost(
                path=group.path if isinstance(group, Place) else group[0],
                name=group.name if isinstance(group, Place) else group[2],
                line=group.line if isinstance(group, Place) else group[1],
                self_cost=own,
                total_cost=total,
                direct_cost=max(own, min(direct[group], total)),
                calls=sum(calls) if calls else None,
            )
        )
    return tuple(costs)


def _calls(
    entries: Mapping[Key, Entry], where: Mapping[Key, Place | None], groups: Groups
) -> tuple[CallCost, ...]:
    """Who of the workspace calls whom of the workspace."""
    number = {group: n for n, group in enumerate(groups)}
    found: dict[tuple[int, int], Edge] = {}
    for key, entry in entries.items():
        callee = where[key]
        for caller, edge in entry.callers.items() if callee is not None else ():
            home = where.get(caller)
            if home is not None and callee is not None and home != callee:
                known = found.setdefault((number[home], number[callee]), Edge(0, 0.0))
                known.calls += edge.calls
                known.total += edge.total
    return tuple(CallCost(a, b, int(e.calls), e.total) for (a, b), e in found.items())


def _share_returned(
    entries: Mapping[Key, Entry], where: Mapping[Key, Place | None]
) -> defaultdict[Key, float]:
    """Of each function outside the workspace, the share of its time that the workspace ran in.

    ``sorted(key=ours)`` or a framework that calls our handlers: that time is not the direct cost of
    whoever called ``sorted``. Spread from callee to caller until nothing moves; recursion among
    library functions makes cycles, hence a bound on the steps and shares held below 1.
    """
    calls_out: defaultdict[Key, list[tuple[Key, float]]] = defaultdict(list)
    waiting: dict[Key, None] = {}
    for key, entry in entries.items():
        for caller, edge in entry.callers.items():
            if caller in entries and where[caller] is None:
                calls_out[caller].append((key, edge.total))
                if where[key] is not None:
                    waiting[caller] = None
    share: defaultdict[Key, float] = defaultdict(float)
    steps = 0
    while waiting and steps < _MAX_STEPS:
        key = next(iter(waiting))
        del waiting[key]
        callees, total = calls_out[key], entries[key].total
        steps += len(callees) + 1
        ours = sum(t * (share[callee] if where[callee] is None else 1.0) for callee, t in callees)
        new = min(1.0, ours / total) if total > 0 else 0.0
        if abs(new - share[key]) > _SMALL_SHARE:
            share[key] = new
            for caller in entries[key].callers:
                if caller in calls_out:
                    waiting[caller] = None
    return share
