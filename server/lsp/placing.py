"""Where what a profile measured of a file lies in the editor's text of it.

The file on disk says nothing here: the text may have been edited without being saved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from analysis.functions import Function, functions_in
from analysis.heat import AMBIGUOUS, Match, carry_lines, match_functions
from analysis.profiles.sources import read_text

_LINES = 3


@dataclass(frozen=True)
class HotLine:
    """A line at the time of the profile (1-based) and its share of the run, 0..1."""

    line: int
    share: float


@dataclass(frozen=True)
class Hot:
    """A hot function. Shares are of the whole run, 0..1.

    `function` is its name in the file on disk when the profile was read, `measured` and
    `measured_line` (1-based, of its ``def``) are those of the time of the profile. `stale` and
    `unsure` compare the file on disk with what was profiled. `why` is a sentence on the cost.
    `fingerprint` is the function's when it was profiled, where that alone is known.
    """

    function: str
    measured: str
    measured_line: int
    self_share: float
    total_share: float
    worth: float
    stale: bool
    unsure: str | None
    why: str
    fingerprint: str | None = None
    lines: tuple[HotLine, ...] = ()

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> Hot:
        """A hot function as the process that reads profiles tells it."""
        return cls(
            row["function"], row["measured"], row["measured_line"], row["self_share"],
            row["total_share"], row["worth"], row["stale"], row["unsure"], row["why"],
            row["fingerprint"],
            tuple(HotLine(x["measured_line"], x["total_share"]) for x in row["lines"]),
        )  # fmt: skip


@dataclass(frozen=True)
class PlacedLine:
    """A hot line of a function: lines below its ``def``, and its share of the run, 0..1."""

    below: int
    share: float


@dataclass(frozen=True)
class Placed:
    """A hot function in a text: which of `FileHeat.spots`, and how it is now.

    `stale` tells that its code is not what was measured, `unsure` why that can't be known. Lines
    that changed are left out.
    """

    spot: int
    stale: bool
    unsure: str | None
    lines: tuple[PlacedLine, ...] = ()


@dataclass(frozen=True)
class FileHeat:
    """What a profile says of one file; `text` is the name of the profiled text in `folder`.

    `stamp` tells one profile from another.
    """

    stamp: str
    path: str
    folder: str
    text: str | None
    spots: tuple[Hot, ...]

    def to_json(self) -> dict[str, Any]:
        """As another process gets it."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> FileHeat:
        """As another process got it."""
        spots = tuple(
            Hot(**{**row, "lines": tuple(HotLine(**x) for x in row["lines"])})
            for row in data["spots"]
        )
        return cls(data["stamp"], data["path"], data["folder"], data["text"], spots)

    @cached_property
    def functions(self) -> tuple[Function, ...] | None:
        """The file's functions when it was profiled; None where that text is not known."""
        text = None if self.text is None else read_text(Path(self.folder), self.text)
        return None if text is None else functions_in(text, self.path)

    def place(self, now: Sequence[Function]) -> dict[str, Placed]:
        """The hot functions of a text, by their qualified name in it.

        Of several definitions of one name the last counts, as in Python.
        """
        last = {f.qualname: n for n, f in enumerate(now)}
        found: dict[str, Placed] = {}
        then = self.functions
        matches = None if then is None else match_functions(then, now)
        for number, spot in enumerate(self.spots):
            if then is None or matches is None:
                if spot.function in last:
                    placed = _by_name(number, spot, now[last[spot.function]])
                    found.setdefault(spot.function, placed)
                continue
            at = _at(then, spot)
            match = None if at is None else matches.get(at)
            if at is None or match is None or last[now[match.now].qualname] != match.now:
                continue
            found.setdefault(
                now[match.now].qualname, _placed(number, spot, then[at], now[match.now], match)
            )
        return found


def _at(then: Sequence[Function], spot: Hot) -> int | None:
    return next(
        (
            n
            for n, f in enumerate(then)
            if f.qualname == spot.measured and f.line + 1 == spot.measured_line
        ),
        None,
    )


def _by_name(number: int, spot: Hot, now: Function) -> Placed:
    if spot.fingerprint is None:
        return Placed(number, spot.stale, spot.unsure)
    return Placed(number, spot.fingerprint != now.fingerprint, None)


def _placed(number: int, spot: Hot, then: Function, now: Function, match: Match) -> Placed:
    lines = carry_lines(then, now) if spot.lines else {}
    shown = [(lines[x.line], x.share) for x in spot.lines if x.line in lines][:_LINES]
    return Placed(
        number,
        match.state == "changed",
        AMBIGUOUS if match.state == "unsure" else None,
        tuple(PlacedLine(line - 1 - now.line, share) for line, share in shown),
    )
