"""Two profiles of one program, function by function: before and after, or two runs.

Functions are matched as heat is (analysis.heat): by fingerprint over moves and renames. Where both
profiles count in one unit that means the same in both (seconds, bytes, instructions), costs are
compared, else shares of the whole.

For sampled profiles each cost has a Wilson interval of its binomial share, and the difference is
judged by Newcombe's interval (1998, method 10), at 95 % for all functions together (Bonferroni).
It speaks of the samples only: a run that was slower as a whole, or had other inputs, shifts costs
without being noise of sampling.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist
from typing import Literal

from analysis.functions import Function
from analysis.heat import State, match_functions
from analysis.profiles.frame_names import is_nameless
from analysis.profiles.model import FunctionCost, Profile, Unit
from analysis.profiles.opened import Opened
from analysis.profiles.places import Places, functions_of
from analysis.profiles.sources import relative_to

Verdict = Literal["less", "more", "within noise", "equal", "new", "gone"]
"""What became of a function's cost. "new" and "gone": it is in one of the profiles only."""

_LEVEL = 0.95
_ABSOLUTE: tuple[Unit, ...] = ("seconds", "bytes", "allocations", "instructions")


@dataclass(frozen=True)
class Cost:
    """What a function cost in one run: in its profile's unit, and shares of the whole (0..1).

    `direct` is its own lines and the builtin and library code that they call (see FunctionCost).
    """

    self_cost: float
    total_cost: float
    direct_cost: float
    self_share: float
    total_share: float
    direct_share: float
    calls: int | None


@dataclass(frozen=True)
class Change:
    """One function in both profiles; None in the one that has no cost of it.

    `function` is the later qualified name, or the only one; `name_before` the earlier one.
    `code` tells whether its code is the same in both, None where that is not known. `difference` is
    after minus before of the direct cost, in `Comparison.unit` (a share where that is None), and
    `interval` what sampling leaves open of it; None where costs were counted, not sampled, or the
    number of samples is not known.
    """

    function: str
    name_before: str
    path: str
    line: int
    before: Cost | None
    after: Cost | None
    code: State | None
    difference: float
    interval: tuple[float, float] | None
    verdict: Verdict


@dataclass(frozen=True)
class Run:
    """One of the two profiles. `samples` is how many a sampled one rests on, where that shows."""

    path: str
    tool: str
    unit: Unit
    total: float
    sampled: bool
    samples: int | None


@dataclass(frozen=True)
class Comparison:
    """Two profiles compared; the largest differences first.

    `unit` is what differences are counted in, None for shares of the whole. `ratio` is the
    earlier total over the later one: 2.0 is twice as fast; None where totals can't be compared.
    """

    before: Run
    after: Run
    unit: Unit | None
    ratio: float | None
    changes: tuple[Change, ...]
    notes: tuple[str, ...]


def compare_profiles(before: Opened, after: Opened, workspace: Path) -> Comparison:
    """Compare the workspace's functions in two profiles."""
    runs = _run(before), _run(after)
    unit = runs[0].unit if runs[0].unit == runs[1].unit and runs[0].unit in _ABSOLUTE else None
    sides = _Side(before, workspace), _Side(after, workspace)
    pairs = list(_pairs(*sides))
    quantile = NormalDist().inv_cdf(1 - (1 - _LEVEL) / (2 * max(1, len(pairs))))
    changes = [_change(sides, runs, pair, unit, quantile) for pair in pairs]
    totals = before.profile.total, after.profile.total
    return Comparison(
        *runs,
        unit=unit,
        ratio=totals[0] / totals[1] if unit is not None and totals[1] > 0 else None,
        changes=tuple(sorted(changes, key=lambda c: (-abs(c.difference), c.path, c.line))),
        notes=_notes(*runs, unit),
    )


def _notes(before: Run, after: Run, unit: Unit | None) -> tuple[str, ...]:
    notes = []
    if unit is None and before.unit == after.unit:
        notes.append("samples tell shares, not amounts: shares of the whole are compared")
    elif unit is None:
        notes.append("the profiles count in different ways: shares of the whole are compared")
    elif before.tool != after.tool:
        notes.append(f"{before.tool} and {after.tool} slow a program differently")
    if not (before.samples and after.samples):
        notes.append(
            "costs are of one run each, and how far two runs of one program differ is not known"
        )
    return tuple(notes)


def _run(opened: Opened) -> Run:
    profile = opened.profile
    samples = samples_of(profile)
    return Run(
        str(opened.path), profile.tool, profile.unit, profile.total, profile.sampled, samples
    )


def samples_of(profile: Profile) -> int | None:
    """How many samples a sampled profile rests on, at least; None where that does not show.

    The smallest cost of a stack, line or function is taken for that of one sample. Where each was
    seen more than once, there were more samples than this, and intervals are wider than they need
    be.
    """
    if not profile.sampled:
        return None
    if profile.unit == "samples":
        return max(1, round(profile.total))
    costs = (
        *(s.cost for s in profile.stacks),
        *(line.self_cost for line in profile.lines),
        *(f.self_cost for f in profile.functions),
    )
    one = min((c for c in costs if c > 0), default=0.0)
    return max(1, round(profile.total / one)) if one > 0 else None


class _Side:
    """The workspace's functions of one profile, by file, with the text of that time."""

    def __init__(self, opened: Opened, workspace: Path) -> None:
        self.profile = opened.profile
        self._places = Places(workspace, opened.sources)
        self._known = opened.sources
        self.costs: dict[str, list[FunctionCost]] = {}
        self._then: dict[str, str] = {}
        for cost in self.profile.functions:
            then = self._places.file(cost.path)
            if then is not None and not is_nameless(cost.name):
                path = self._places.file_now(then) or then
                self._then[path] = then
                self.costs.setdefault(path, []).append(cost)

    def functions(self, path: str) -> tuple[Function, ...]:
        """The file's functions then, or as they are now where that is not known."""
        return self._places.functions_then(self._then.get(path, path))

    def is_known(self, path: str) -> bool:
        """Whether the file's text of that time is known."""
        relative = relative_to(self._then.get(path, path), self._places.workspace)
        return relative is not None and self._known.text(relative) is not None


@dataclass(frozen=True)
class _Pair:
    path: str
    before: tuple[str, FunctionCost] | None
    after: tuple[str, FunctionCost] | None
    code: State | None
    line: int


def _pairs(before: _Side, after: _Side) -> Sequence[_Pair]:
    found: list[_Pair] = []
    for path in sorted(before.costs.keys() | after.costs.keys()):
        found += _pairs_of_file(path, before, after)
    return found


def _pairs_of_file(path: str, before: _Side, after: _Side) -> list[_Pair]:
    then, later = before.functions(path), after.functions(path)
    now = {f.qualname: f.line + 1 for f in functions_of(path)}
    matches = match_functions(then, later)
    known = before.is_known(path) and after.is_known(path)
    old, old_rest = _numbered(then, before.costs.get(path, ()))
    new, new_rest = _numbered(later, after.costs.get(path, ()))
    found: list[_Pair] = []
    for number, cost in old.items():
        match = matches.get(number)
        name = then[number].qualname
        other = new.pop(match.now, None) if match else None
        if match is not None and other is not None:
            name_now = later[match.now].qualname
            code = match.state if known else None
            line = now.get(name_now, other.line)
            found.append(_Pair(path, (name, cost), (name_now, other), code, line))
        else:
            old_rest.append((name, cost))
    new_rest += [(later[number].qualname, cost) for number, cost in new.items()]
    # What is left is in one profile only. Where a text is not known, its name may tell.
    by_name = {} if known else {cost.name: (name, cost) for name, cost in new_rest}
    for name, cost in old_rest:
        same = by_name.pop(cost.name, None)
        if same is not None:
            new_rest.remove(same)
        last = same or (name, cost)
        found.append(_Pair(path, (name, cost), same, None, now.get(last[0], last[1].line)))
    for name, cost in new_rest:
        found.append(_Pair(path, None, (name, cost), None, now.get(name, cost.line)))
    return found


def _numbered(
    functions: Sequence[Function], costs: Sequence[FunctionCost]
) -> tuple[dict[int, FunctionCost], list[tuple[str, FunctionCost]]]:
    """Costs by the number of their function, and with their names those that are of none."""
    at: dict[tuple[str, int], int] = {}
    named: dict[str, list[int]] = {}
    for number, f in enumerate(functions):
        at[f.name, f.first_line + 1] = at[f.name, f.line + 1] = number
        named.setdefault(f.name, []).append(number)
    found: dict[int, FunctionCost] = {}
    rest: list[tuple[str, FunctionCost]] = []
    for cost in costs:
        simple = cost.name.rsplit(".", 1)[-1]
        only = named.get(simple, ())
        number_of = at.get((simple, cost.line), only[0] if len(only) == 1 else None)
        if number_of is None or number_of in found:
            rest.append((cost.name, cost))
        else:
            found[number_of] = cost
    return found, rest


def _change(
    sides: tuple[_Side, _Side],
    runs: tuple[Run, Run],
    pair: _Pair,
    unit: Unit | None,
    quantile: float,
) -> Change:
    known = pair.after or pair.before
    assert known is not None  # a pair has one side at least
    before = _cost(sides[0].profile, pair.before)
    after = _cost(sides[1].profile, pair.after)
    scales = tuple(run.total if unit is not None else 1.0 for run in runs)
    shares = tuple(c.direct_share if c else 0.0 for c in (before, after))
    difference = shares[1] * scales[1] - shares[0] * scales[0]
    interval = None
    if runs[0].samples and runs[1].samples:
        counts = runs[0].samples, runs[1].samples
        interval = _newcombe(shares, counts, scales, quantile)
    return Change(
        function=known[0],
        name_before=(pair.before or known)[0],
        path=pair.path,
        line=pair.line,
        before=before,
        after=after,
        code=pair.code,
        difference=difference,
        interval=interval,
        verdict=_verdict(before, after, difference, interval),
    )


def _cost(profile: Profile, named: tuple[str, FunctionCost] | None) -> Cost | None:
    if named is None:
        return None
    cost, whole = named[1], profile.total
    own, total, direct = (
        min(1.0, c / whole) if whole > 0 else 0.0
        for c in (cost.self_cost, cost.total_cost, cost.direct_cost)
    )
    return Cost(
        cost.self_cost, cost.total_cost, cost.direct_cost, own, total, direct, cost.calls
    )  # fmt: skip


def _verdict(
    before: Cost | None,
    after: Cost | None,
    difference: float,
    interval: tuple[float, float] | None,
) -> Verdict:
    if before is not None and after is not None and difference == 0:
        return "equal"
    if interval is not None and interval[0] <= 0 <= interval[1]:
        return "within noise"
    if before is None:
        return "new"
    if after is None:
        return "gone"
    return "less" if difference < 0 else "more"


def _newcombe(
    shares: Sequence[float], counts: Sequence[int], scales: Sequence[float], quantile: float
) -> tuple[float, float]:
    """The interval of the difference of two scaled proportions, second minus first."""
    (low_a, high_a), (low_b, high_b) = (
        tuple(scale * bound for bound in _wilson(share, count, quantile))
        for share, count, scale in zip(shares, counts, scales, strict=True)
    )
    a, b = (share * scale for share, scale in zip(shares, scales, strict=True))
    return (
        b - a - math.hypot(b - low_b, high_a - a),
        b - a + math.hypot(high_b - b, a - low_a),
    )


def _wilson(share: float, count: int, quantile: float) -> tuple[float, float]:
    """Wilson's interval of a proportion."""
    square = quantile * quantile / count
    middle = (share + square / 2) / (1 + square)
    half = quantile * math.sqrt(share * (1 - share) / count + square / (4 * count)) / (1 + square)
    return max(0.0, middle - half), min(1.0, middle + half)
