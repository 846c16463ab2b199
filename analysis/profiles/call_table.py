"""Profiles of compiled code that are tables of functions with their callers: callgrind, gprof.

Costs are shared out as those of pstats' tables are (analysis.profiles.call_graph), in whatever unit
the table has. What is builtin, and so native, is not told apart: all of it is.
"""

from __future__ import annotations

from dataclasses import replace

from analysis.profiles.call_graph import Edge, Entry, Key, calls_of, costs_of, whole_of
from analysis.profiles.model import LineCost, Profile, Unit
from analysis.profiles.places import Place


def profile_of(
    entries: dict[Key, Entry],
    where: dict[Key, Place | None],
    tool: str,
    unit: Unit,
    *,
    sampled: bool = False,
    counted: bool = True,
    lines: tuple[LineCost, ...] = (),
) -> Profile:
    """The profile of a table; `where` says which of its functions are the workspace's.

    `counted` tells that calls were counted; a function that nobody was seen to call has no number.
    """
    entries, where = _by_names_here(entries, where)
    functions, numbers = costs_of(entries, where)
    calls = calls_of(entries, where, numbers)
    return Profile(
        tool=tool,
        unit=unit,
        total=whole_of(entries),
        functions=tuple(
            replace(f, calls=(f.calls or None) if counted else None, native_cost=None)
            for f in functions
        ),
        sampled=sampled,
        lines=lines,
        calls=calls if counted else tuple(replace(call, calls=None) for call in calls),
    )


def _by_names_here(
    entries: dict[Key, Entry], where: dict[Key, Place | None]
) -> tuple[dict[Key, Entry], dict[Key, Place | None]]:
    """The table with functions of the workspace named as they are there: "at", not its symbol."""
    keys = {
        key: key if place is None else (key[0], key[1], place.name) for key, place in where.items()
    }
    renamed: dict[Key, Entry] = {}
    for key, entry in entries.items():
        known = renamed.setdefault(keys[key], Entry(0, 0.0, 0.0))
        known.calls += entry.calls
        known.self_s += entry.self_s
        known.total_s += entry.total_s
        for caller, edge in entry.callers.items():
            into = known.callers.setdefault(keys.get(caller, caller), Edge(0, 0.0))
            into.calls += edge.calls
            into.total += edge.total
    return renamed, {keys[key]: place for key, place in where.items()}
