"""Which functions of the workspace are worth the work, by a profile."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from analysis.functions import Function
from analysis.ignore import is_ignored_path, relative_parts
from analysis.profiles.model import FunctionCost, Profile
from analysis.profiles.places import Places, functions_of


@dataclass(frozen=True)
class HotSpot:
    """A function that a profile knows. Shares are of the whole run, 0 to 1.

    `function` is the qualified name, `path` absolute, `line` the 1-based line of its ``def`` in the
    file as it is now. `worth` is what a fix inside the function can save at most: its own lines and
    the builtin, library and native calls that they make. `stale` says that the function has changed
    since the profile was written.
    """

    function: str
    path: str
    line: int
    self_share: float
    total_share: float
    worth: float
    stale: bool


def hot_spots(
    profile: Profile,
    workspace: Path,
    *,
    only: Path | None = None,
    fingerprints: Mapping[str, str] | None = None,
    ignore: Sequence[str] = (),
) -> tuple[HotSpot, ...]:
    """The profile's functions that are in the workspace's own files, most worth first.

    `only` is a file or folder to look at. `fingerprints` are those of the time of the profile, by
    ``path::qualname`` (the path absolute or relative to the workspace); a function that has none is
    stale when it is no longer at its line. Module-level code and functions that no longer exist are
    left out, and so is what `ignore` globs or ``# hasten: ignore`` silence.
    """
    places = Places(workspace)
    best: dict[tuple[str, int], HotSpot] = {}
    for cost in profile.functions:
        path = places.file(cost.path)
        if path is None or profile.total <= 0 or cost.name.startswith("<"):
            continue
        if only is not None and relative_parts(path, places.workspace / only) is None:
            continue
        if is_ignored_path(path, ignore, places.workspace):
            continue
        function, moved = _find(functions_of(path), cost)
        if function is None or function.ignored:
            continue
        stale = _is_stale(function, moved, places.workspace, fingerprints)
        spot = _spot(cost, function, profile.total, stale=stale)
        known = best.get((path, function.start))
        # Two entries for one function: a definition of that name which is gone. The nearer counts.
        if known is None or (known.stale, -known.worth) > (spot.stale, -spot.worth):
            best[path, function.start] = spot
    return tuple(sorted(best.values(), key=lambda s: (-s.worth, -s.total_share, s.path, s.line)))


def _find(functions: Sequence[Function], cost: FunctionCost) -> tuple[Function | None, bool]:
    """The function that a cost is of, and whether it stood elsewhere when it was measured."""
    simple = cost.name.rsplit(".", 1)[-1]
    named = [f for f in functions if f.name == simple]
    exact = [f for f in named if cost.line in (f.first_line + 1, f.line + 1)]
    if exact:
        return exact[0], False
    if "." in cost.name:
        named = [f for f in named if f.qualname == cost.name] or named
    nearest = min(named, key=lambda f: abs(f.first_line + 1 - cost.line), default=None)
    return nearest, True


def _is_stale(
    function: Function, moved: bool, workspace: Path, fingerprints: Mapping[str, str] | None
) -> bool:
    if fingerprints:
        relative = os.path.relpath(function.path, workspace)
        for path in (function.path, relative):
            then = fingerprints.get(f"{path}::{function.qualname}")
            if then is not None:
                return then != function.fingerprint
    return moved


def _spot(cost: FunctionCost, function: Function, total: float, *, stale: bool) -> HotSpot:
    # Merging several callers' times can pass the whole by rounding; recursion must not.
    total_share = min(1.0, cost.total_cost / total)
    worth = min(total_share, cost.direct_cost / total)
    return HotSpot(
        function=function.qualname,
        path=function.path,
        line=function.line + 1,
        self_share=min(worth, cost.self_cost / total),
        total_share=total_share,
        worth=worth,
        stale=stale,
    )
