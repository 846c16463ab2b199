"""What was measured of each rule: its gain by interpreter and size, its precision on real code.

Both tables ship with the rules (`evidence.json`, `precision.json`) and say where they were made;
`hasten rules measure` adds what was measured on this machine, which then counts before what ships.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from analysis.errors import AnalysisError

SCHEMA = 1
SHIPPED = Path(__file__).with_name("evidence.json")
PRECISION = Path(__file__).with_name("precision.json")
MIN_TRIED = 5
MIN_SHARE = 0.7
LEAST = 1.03
"""A ratio nearer to 1 than this is no gain and no loss that anybody would notice."""

Standing = Literal["wins", "mixed", "loses", "unknown"]


@dataclass(frozen=True)
class Gain:
    """One case of a rule, measured: `ratio` is time before by time after, with its 95 % interval.

    `target` names what ran it: "cpython-3.11", "g++-12", "node-20". `size` is the case's n. `equal`
    says that both versions did the same; the ratio of a pair that did not is no gain. `digest` is
    the case's: what was measured of another text says nothing of this one.
    """

    rule: str
    case: str
    target: str
    size: int
    ratio: float
    low: float
    high: float
    equal: bool = True
    digest: str = ""

    @property
    def faster(self) -> bool:
        """Whether it is faster for sure, and by as much as matters."""
        return self.equal and self.low > 1 and self.ratio >= LEAST

    @property
    def slower(self) -> bool:
        """Whether it is slower for sure, and by as much as matters, or is not equal at all."""
        return not self.equal or (self.high < 1 and self.ratio <= 1 / LEAST)


@dataclass(frozen=True)
class Short:
    """A size at which a case can't be timed on a target: a run of it is over too soon."""

    case: str
    target: str
    size: int
    digest: str


@dataclass(frozen=True)
class Table:
    """A table of gains: the machine it was made on, the day (YYYY-MM-DD), and the rows.

    `machine` says "cpu", "cores", "platform", "kernel" and "hasten"; `targets` has the whole
    version of what each target names.
    """

    machine: Mapping[str, str | int] = field(default_factory=dict)
    targets: Mapping[str, str] = field(default_factory=dict)
    measured: str = ""
    gains: tuple[Gain, ...] = ()
    short: tuple[Short, ...] = ()


@dataclass(frozen=True)
class Precision:
    """What came of a rule's findings in real code: how many were tried, equal, and not slower.

    `good` counts those that were both equal and not slower; `begun` those that were taken up at
    all: of some the original can't be judged, as there are no inputs or it is not deterministic.
    """

    rule: str
    found: int
    tried: int
    equal: int
    not_slower: int
    good: int
    begun: int = 0

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
        faster = any(gain.faster for gain in gains)
        slower = any(gain.slower for gain in gains)
        return "loses" if not faster else "mixed" if slower else "wins"

    @property
    def losing(self) -> Iterator[str]:
        """The rules that were measured and never gain."""
        return (rule for rule in self._gains if self.standing(rule) == "loses")

    def hints(self, rule: str, *, hot: bool) -> bool:
        """Whether a rule's finding may be hinted in a function that is hot, or is not.

        A rule that loses here is never hinted. One whose findings in real code were not good, or
        not tried often enough, is hinted in hot functions only: there its edit is worth a proof.
        """
        if self.standing(rule) == "loses":
            return False
        known = self._precision.get(rule)
        return hot or (known is not None and known.trusted)


def load_gains(measured: Path | None = None) -> tuple[Gain, ...]:
    """Every row that counts, of all targets; `measured` is the table of this machine.

    Its rows count before those that ship, each for its case and size; rows of a case whose text is
    not the one of the shipped table don't count. Raises AnalysisError (evidence-damaged) for a
    table that can't be read.
    """
    shipped = read_table(SHIPPED).gains if SHIPPED.exists() else ()
    digests = {gain.case: gain.digest for gain in shipped}
    gains = {(g.rule, g.case, g.target, g.size): g for g in shipped}
    if measured is not None and measured.exists():
        for gain in read_table(measured).gains:
            if digests.get(gain.case, gain.digest) == gain.digest:
                gains[gain.rule, gain.case, gain.target, gain.size] = gain
    return tuple(gains.values())


def load_evidence(target: str, measured: Path | None = None) -> Evidence:
    """What is known for a target ("cpython-3.11"). Raises what `load_gains` raises."""
    gains = (gain for gain in load_gains(measured) if gain.target == target)
    return Evidence(gains, load_precision())


def load_precision() -> tuple[Precision, ...]:
    """The shipped table of precision; nothing where none ships. Raises AnalysisError."""
    return _precision(*_stamp(PRECISION)) if PRECISION.exists() else ()


def read_table(path: Path) -> Table:
    """A table of gains. Raises AnalysisError (evidence-damaged)."""
    try:
        return _table(*_stamp(path))
    except OSError as error:
        raise _damaged(path, error) from error


def write_table(path: Path, table: Table) -> None:
    """Write a table whole or not at all, one row a line. Raises OSError."""
    rows = sorted(table.gains, key=lambda g: (g.rule, g.case, g.target, g.size))
    short = sorted(table.short, key=lambda s: (s.case, s.target, s.size))
    head = {"schema": SCHEMA, "machine": dict(table.machine), "targets": dict(table.targets)}
    text = json.dumps({**head, "measured": table.measured}, indent=1)[:-2]
    text += f',\n "short": {_lines(short)},\n "gains": {_lines(rows)}\n}}\n'
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise


def _lines(rows: Iterable[Gain | Short]) -> str:
    """A list with one row a line."""
    shown = ",\n".join(f"  {json.dumps(asdict(row))}" for row in rows)
    return f"[\n{shown}\n ]"


def _stamp(path: Path) -> tuple[Path, int, int]:
    found = path.stat()
    return path, found.st_mtime_ns, found.st_size


@lru_cache(maxsize=8)
def _table(path: Path, _time: int, _size: int) -> Table:
    data = _read(path, "gains")
    try:
        return Table(
            machine={str(k): v for k, v in data["machine"].items()},
            targets={str(k): str(v) for k, v in data.get("targets", {}).items()},
            measured=str(data["measured"]),
            gains=tuple(_gain(row) for row in data["gains"]),
            short=tuple(Short(**row) for row in data.get("short", ())),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(path, error) from error


def _gain(row: Mapping[str, Any]) -> Gain:
    gain = Gain(**row)
    words = (gain.rule, gain.case, gain.target, gain.digest)
    numbers = (gain.ratio, gain.low, gain.high)
    if not all(type(word) is str for word in words) or type(gain.size) is not int:
        raise TypeError(f"a row of wrong types: {row!r:.200}")
    if not all(type(n) in (int, float) for n in numbers) or not 0 < gain.low <= gain.ratio:
        raise ValueError(f"a row of impossible numbers: {row!r:.200}")
    return gain


@lru_cache(maxsize=2)
def _precision(path: Path, _time: int, _size: int) -> tuple[Precision, ...]:
    data = _read(path, "rules")
    try:
        return tuple(Precision(**row) for row in data["rules"])
    except TypeError as error:
        raise _damaged(path, error) from error


def _read(path: Path, key: str) -> Mapping[str, Any]:
    try:
        data = json.loads(path.read_text("utf-8"))
        if data["schema"] != SCHEMA:
            raise ValueError(f"schema {data['schema']!r}")
        if not isinstance(data[key], list):
            raise TypeError(f"{key} is no list")
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise _damaged(path, error) from error
    found: Mapping[str, Any] = data
    return found


def _damaged(path: Path, error: Exception) -> AnalysisError:
    return AnalysisError(
        f"{path}: the table of the rules can't be read: {error}",
        code="evidence-damaged",
        mend="remove it and run `hasten rules measure`, or install hasten anew",
    )
