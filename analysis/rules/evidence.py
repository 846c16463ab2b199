"""What was measured of each rule: its gain by interpreter and size, its precision on real code.

Both tables ship with the rules (`evidence.json`, `precision.json`) and say where they were made;
`hasten rules measure` adds what was measured on this machine, which then counts before what ships.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from analysis.errors import AnalysisError

SCHEMA = 1
SHIPPED = Path(__file__).with_name("evidence.json")
PRECISION = Path(__file__).with_name("precision.json")
MIN_TRIED = 5
MIN_SHARE = 0.7

Standing = Literal["wins", "mixed", "loses", "unknown"]


@dataclass(frozen=True)
class Gain:
    """One case of a rule, measured: `ratio` is time before by time after, with its 95 % interval.

    `target` names what ran it: "cpython-3.11", "g++-12", "node-20". `size` is the case's n. `equal`
    says that both versions did the same; the ratio of a pair that did not is no gain.
    """

    rule: str
    case: str
    target: str
    size: int
    ratio: float
    low: float
    high: float
    equal: bool = True


@dataclass(frozen=True)
class Precision:
    """What came of a rule's findings in real code: how many were tried, equal, and not slower.

    `good` counts those that were both equal and not slower.
    """

    rule: str
    found: int
    tried: int
    equal: int
    not_slower: int
    good: int

    @property
    def share(self) -> float:
        """Of those tried, the share that was equal and not slower; 0 where none was tried."""
        return self.good / self.tried if self.tried else 0.0

    @property
    def trusted(self) -> bool:
        """Whether the rule may be hinted where nothing is known to be hot."""
        return self.tried >= MIN_TRIED and self.share >= MIN_SHARE


class Evidence:
    """What is known of the rules for one target, and what follows for their hints."""

    def __init__(self, gains: Iterable[Gain], precision: Iterable[Precision]) -> None:
        self._gains: dict[str, list[Gain]] = {}
        for gain in gains:
            self._gains.setdefault(gain.rule, []).append(gain)
        self._precision = {p.rule: p for p in precision}

    def gains(self, rule: str) -> tuple[Gain, ...]:
        """What was measured of a rule, by case and size."""
        return tuple(self._gains.get(rule, ()))

    def precision(self, rule: str) -> Precision | None:
        """What came of a rule's findings in real code; None where that is not known."""
        return self._precision.get(rule)

    def standing(self, rule: str) -> Standing:
        """Whether a rule gains here.

        "wins": faster for sure at one size at least, and slower for sure at none. "mixed": faster
        at some sizes, slower at others. "loses": never faster for sure. "unknown": not measured.
        """
        gains = self._gains.get(rule, ())
        if not gains:
            return "unknown"
        faster = any(g.equal and g.low > 1 for g in gains)
        slower = any(not g.equal or g.high < 1 for g in gains)
        return "loses" if not faster else "mixed" if slower else "wins"

    def hints(self, rule: str, *, hot: bool) -> bool:
        """Whether a rule's finding may be hinted in a function that is hot, or is not.

        A rule that loses here is never hinted. One whose findings in real code were not good, or
        not tried often enough, is hinted in hot functions only: there its edit is worth a proof.
        """
        if self.standing(rule) == "loses":
            return False
        known = self._precision.get(rule)
        return hot or (known is not None and known.trusted)


def load_evidence(target: str, measured: Path | None = None) -> Evidence:
    """What is known for a target ("cpython-3.11"); `measured` is the table of this machine.

    Raises AnalysisError (evidence-damaged) for a table that can't be read.
    """
    gains: dict[str, list[Gain]] = {}
    for table in (SHIPPED, measured):
        if table is None or not table.exists():
            continue
        here: dict[str, list[Gain]] = {}
        for gain in _gains(table):
            if gain.target == target:
                here.setdefault(gain.rule, []).append(gain)
        gains.update(here)
    precision = _precision() if PRECISION.exists() else ()
    return Evidence((g for rows in gains.values() for g in rows), precision)


def _gains(table: Path) -> tuple[Gain, ...]:
    return tuple(_read(table, "gains", Gain))


@cache
def _precision() -> tuple[Precision, ...]:
    return tuple(_read(PRECISION, "rules", Precision))


def _read(table: Path, key: str, kind: Any) -> list[Any]:
    try:
        data: Mapping[str, Any] = json.loads(table.read_text("utf-8"))
        if data["schema"] != SCHEMA:
            raise ValueError(f"schema {data['schema']!r}")
        return [kind(**row) for row in data[key]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AnalysisError(
            f"{table}: the table of the rules can't be read: {error}",
            code="evidence-damaged",
            mend="remove it and run `hasten rules measure`, or install hasten anew",
        ) from error
