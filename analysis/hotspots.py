"""Which functions of the workspace are worth the work, by a profile."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from analysis.functions import Function
from analysis.heat import AMBIGUOUS, Match, carry_lines, match_functions
from analysis.ignore import is_ignored_path, relative_parts
from analysis.profiles.frame_names import is_nameless
from analysis.profiles.model import CallCost, FunctionCost, LineCost, Profile
from analysis.profiles.places import Places, functions_of, unreadable
from analysis.profiles.sources import OTHER, Sources, relative_to
from analysis.worth import (
    Advice,
    Callee,
    Caller,
    advice_of,
    callees_of,
    callers_of,
    native_share,
    why,
)

_LINES = 10
_SMALL_LINE = 0.001


@dataclass(frozen=True)
class HotLine:
    """A line of a hot function; `total_share` holds what the line calls, `worth` of that only
    builtin, library and native code, as that of HotSpot.

    `line` is 1-based in the file as it is now, None where the line was changed since;
    `measured_line` is the one of the time of the profile.
    """

    line: int | None
    measured_line: int
    self_share: float
    total_share: float
    worth: float


@dataclass(frozen=True)
class HotSpot:
    """A function that a profile knows. Shares are of the whole run, 0 to 1.

    `function` is the qualified name, `path` absolute, `line` the 1-based line of its ``def`` in the
    file as it is now; `measured`, `measured_path` and `measured_line` are of the time of the
    profile.
    `worth` is what a fix inside the function can save at most: its own lines and the builtin,
    library and native calls that they make; `native_share` is the part of it that is native, None
    where the format does not tell. `stale` says that the function has changed since the profile was
    written, `unsure` why that can't be known. `callees` are the builtin and library functions that
    it calls itself, `lines` the hottest ones, where the format tells them. `why` is one sentence on
    what it costs and what helps.
    """

    function: str
    path: str
    line: int
    self_share: float
    total_share: float
    worth: float
    stale: bool
    unsure: str | None = None
    measured: str = ""
    measured_path: str = ""
    measured_line: int = 0
    calls: int | None = None
    native_share: float | None = None
    advice: Advice = "rewrite"
    why: str = ""
    callers: tuple[Caller, ...] = ()
    callees: tuple[Callee, ...] = ()
    lines: tuple[HotLine, ...] = ()


@dataclass(frozen=True)
class Unread:
    """A file whose functions can't be told: what they are worth together, why, and the mend."""

    path: str
    worth: float
    why: str


@dataclass(frozen=True)
class Ranking:
    """Hot spots, most worth first, and those of functions that are nowhere in their file now.

    `unread` are files that are there and can't be read, whose functions are in neither.
    """

    spots: tuple[HotSpot, ...]
    gone: tuple[HotSpot, ...]
    unread: tuple[Unread, ...] = ()


def hot_spots(
    profile: Profile,
    workspace: Path,
    *,
    only: Path | None = None,
    sources: Sources | None = None,
    fingerprints: Mapping[str, str] | None = None,
    ignore: Sequence[str] = (),
) -> tuple[HotSpot, ...]:
    """The hot spots of `rank`, without what is gone."""
    return rank(
        profile, workspace, only=only, sources=sources, fingerprints=fingerprints, ignore=ignore
    ).spots


def rank(
    profile: Profile,
    workspace: Path,
    *,
    only: Path | None = None,
    sources: Sources | None = None,
    fingerprints: Mapping[str, str] | None = None,
    ignore: Sequence[str] = (),
) -> Ranking:
    """The profile's functions that are in the workspace's own files, most worth first.

    `only` is a file or folder to look at. `sources` are the files as they were when the profile was
    written: functions are followed from there to the files as they are now. Without them the files
    are taken to be those that were profiled, as right after a run. `fingerprints` are those of the
    time of the profile, by ``path::qualname`` (the path absolute or relative to the workspace), for
    functions whose text is not known. Module-level code is left out, and so is what `ignore` globs
    or ``# hasten: ignore`` silence.
    """
    placed = _Placing(profile, Places(workspace, sources), sources, fingerprints).all()
    details = _Details(profile, placed)
    best: dict[tuple[str, int], HotSpot] = {}
    gone: list[HotSpot] = []
    unread: dict[str, Unread] = {}
    root = Path(os.path.realpath(workspace))
    for number, place in placed.items():
        if profile.total <= 0 or is_nameless(place.name):
            continue
        if only is not None and relative_parts(place.path, root / only) is None:
            continue
        if is_ignored_path(place.path, ignore, root) or (place.now and place.now.ignored):
            continue
        spot = details.spot(number)
        if place.now is None:
            if reason := unreadable(place.path):
                before = unread[place.path].worth if place.path in unread else 0.0
                worth = min(1.0, before + spot.worth)
                unread[place.path] = Unread(place.path, worth, reason)
            elif place.then is not None:
                gone.append(spot)
            continue
        key = (place.path, place.now.start)
        # Two entries for one function: a definition of that name which is gone. The nearer counts.
        if key not in best or _trust(best[key]) < _trust(spot):
            best[key] = spot
    return Ranking(
        tuple(sorted(best.values(), key=_rank)),
        tuple(sorted(gone, key=_rank)),
        tuple(sorted(unread.values(), key=lambda file: (-file.worth, file.path))),
    )


def _rank(spot: HotSpot) -> tuple[float, float, str, int]:
    return -spot.worth, -spot.total_share, spot.path, spot.line


def _trust(spot: HotSpot) -> tuple[bool, bool, float]:
    return not spot.stale, spot.unsure is None, spot.worth


@dataclass(frozen=True)
class _Place:
    """A function of the profile in the workspace: at its time where that is known, and now.

    `around` are all functions of the text that the profile's lines are of.
    """

    path: str
    path_then: str
    name: str
    then: Function | None
    now: Function | None
    stale: bool = False
    unsure: str | None = None
    around: Sequence[Function] = ()

    @property
    def source(self) -> str:
        """The function's code, of the time of the profile where that is known."""
        function = self.then or self.now
        return function.source if function else ""


class _Placing:
    """Finds the functions of a profile in the files of then and of now."""

    def __init__(
        self,
        profile: Profile,
        places: Places,
        sources: Sources | None,
        fingerprints: Mapping[str, str] | None,
    ) -> None:
        self._profile, self._places, self._sources = profile, places, sources
        self._fingerprints = fingerprints or {}
        self._matches: dict[str, dict[int, Match]] = {}

    def all(self) -> dict[int, _Place]:
        """The functions of the workspace by their number in the profile."""
        found = {}
        for number, cost in enumerate(self._profile.functions):
            then_path = self._places.file(cost.path)
            if then_path is not None:
                found[number] = self._place(cost, then_path)
        return found

    def _place(self, cost: FunctionCost, path_then: str) -> _Place:
        path = self._places.file_now(path_then) or path_then
        place = _Place(path, path_then, cost.name, None, None)
        if is_nameless(cost.name):
            return place
        relative = relative_to(path_then, self._places.workspace) or ""
        then = self._sources.functions(relative) if self._sources else None
        if then is None:
            return self._by_name(cost, place, relative)
        number, exact = _find(then, cost)
        if number is None:
            return place
        place = replace(place, name=then[number].qualname, then=then[number], around=then)
        now = functions_of(path)
        if path not in self._matches:
            self._matches[path] = match_functions(then, now)
        match = self._matches[path].get(number)
        if match is None:
            return place
        return replace(
            place,
            now=now[match.now],
            stale=match.state == "changed",
            unsure=AMBIGUOUS if match.state == "unsure" else None if exact else OTHER,
        )

    def _by_name(self, cost: FunctionCost, place: _Place, relative: str) -> _Place:
        """Where the text of that time is not known: what has the name, and what can be said."""
        around = functions_of(place.path)
        number, exact = _find(around, cost)
        if number is None:
            return place
        function = around[number]
        place = replace(place, name=function.qualname, now=function, around=around)
        for key in (function.path, place.path_then, relative):
            print_ = self._fingerprints.get(f"{key}::{function.qualname}")
            if print_ is not None:
                return replace(place, stale=print_ != function.fingerprint)
        doubt = self._sources.doubt(relative) if self._sources else None if exact else OTHER
        return replace(place, unsure=doubt)


def _find(functions: Sequence[Function], cost: FunctionCost) -> tuple[int | None, bool]:
    """Which function a cost is of, and whether there is no doubt about that."""
    simple = cost.name.rsplit(".", 1)[-1]
    named = [n for n, f in enumerate(functions) if f.name == simple]
    for n in named:
        if cost.line in (functions[n].first_line + 1, functions[n].line + 1):
            return n, True
    if "." in cost.name:
        named = [n for n in named if functions[n].qualname == cost.name] or named
    nearest = min(named, key=lambda n: abs(functions[n].first_line + 1 - cost.line), default=None)
    return nearest, cost.line == 0 and len(named) == 1


def _hottest(lines: Sequence[HotLine]) -> tuple[int, float] | None:
    """The line with most to save, as it is now; None where it is gone or not known.

    What a line calls of the workspace is the work of that function, not of this one.
    """
    top = max(lines, key=lambda line: line.worth, default=None)
    return None if top is None or top.line is None or not top.worth else (top.line, top.worth)


class _Details:
    """Makes hot spots: shares, callers, lines and the sentence."""

    def __init__(self, profile: Profile, placed: Mapping[int, _Place]) -> None:
        self._profile, self._placed = profile, placed
        self._edges: defaultdict[int, list[CallCost]] = defaultdict(list)
        for edge in profile.calls:
            if edge.caller in placed:
                self._edges[edge.callee].append(edge)
        self._out: defaultdict[int, list[CallCost]] = defaultdict(list)
        for edge in profile.calls:
            if edge.callee not in placed:
                self._out[edge.caller].append(edge)
        self._lines: defaultdict[str, list[LineCost]] = defaultdict(list)
        for line in profile.lines:
            self._lines[line.path].append(line)
        self._names = [
            _name(placed.get(number), cost) for number, cost in enumerate(profile.functions)
        ]

    def spot(self, number: int) -> HotSpot:
        """The hot spot of one of the profile's functions."""
        profile, place = self._profile, self._placed[number]
        cost, function = profile.functions[number], place.now or place.then
        assert function is not None or place.then is None
        callees = callees_of(profile, self._out[number])
        source = place.source
        callers = callers_of(profile, number, self._edges[number], self._names, source)
        # Merging several callers' times can pass the whole by rounding; recursion must not.
        total_share = min(1.0, cost.total_cost / profile.total)
        worth = min(total_share, cost.direct_cost / profile.total)
        capped = replace(
            cost,
            total_cost=total_share * profile.total,
            direct_cost=worth * profile.total,
            self_cost=min(cost.self_cost, worth * profile.total),
        )
        lines = tuple(self._hot_lines(cost, place))
        return HotSpot(
            function=function.qualname if function else cost.name,
            path=place.path,
            line=function.line + 1 if function else cost.line,
            self_share=capped.self_cost / profile.total,
            total_share=total_share,
            worth=worth,
            stale=place.stale,
            unsure=place.unsure,
            measured=place.name,
            measured_path=place.path_then,
            measured_line=place.then.line + 1 if place.then else cost.line,
            calls=cost.calls,
            native_share=native_share(capped),
            advice=advice_of(profile, capped, callers, source),
            why=why(profile, capped, callers, callees, source, hottest=_hottest(lines)),
            callers=callers,
            callees=callees,
            lines=lines,
        )

    def _hot_lines(self, cost: FunctionCost, place: _Place) -> Iterator[HotLine]:
        then = place.then or place.now
        if then is None or not self._lines:
            return
        # Without the text of that time lines count only where nothing tells that it was another.
        here = cost.line in (then.first_line + 1, then.line + 1)
        if place.then is None and (place.stale or place.unsure or not here):
            return
        holes = [(f.first_line, f.range.end.line) for f in place.around if _inside(f, then)]
        first, last = then.first_line, then.range.end.line
        own = [
            line
            for line in self._lines[cost.path]
            if first < line.line <= last + 1
            and line.total_cost >= _SMALL_LINE * self._profile.total
            and not any(a < line.line <= b + 1 for a, b in holes)
        ]
        carried: Mapping[int, int] | None = None
        if place.then is not None:
            carried = carry_lines(place.then, place.now) if place.now else {}
        for line in sorted(own, key=lambda x: (-x.total_cost, -x.self_cost, x.line))[:_LINES]:
            direct = line.self_cost if line.direct_cost is None else line.direct_cost
            yield HotLine(
                line=line.line if carried is None else carried.get(line.line),
                measured_line=line.line,
                self_share=min(1.0, line.self_cost / self._profile.total),
                total_share=min(1.0, line.total_cost / self._profile.total),
                worth=min(1.0, direct / self._profile.total),
            )


def _inside(inner: Function, outer: Function) -> bool:
    return outer.start < inner.start and inner.end <= outer.end


def _name(place: _Place | None, cost: FunctionCost) -> tuple[str, str]:
    if place is None:
        return cost.path, cost.name
    return place.path, place.now.qualname if place.now else place.name
