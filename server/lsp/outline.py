"""Where a file's functions lie, also while it is being edited."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from analysis.functions import Function
from analysis.text import LineIndex, same_ends
from server.lsp.placing import FileHeat, Placed, PlacedLine


@dataclass(frozen=True)
class Span:
    """Where a function lies, in string offsets.

    `touched` tells that it was edited since the file's functions were last read: its ends are then
    as good as known, its fingerprint is not. `start` and `end` hold decorators, `name` is the word
    behind ``def``. `guard` is the range that an edit must not be in for the function to stay what
    it is: from the code line before it (a decorator may be put between) to the end of the code line
    after it (an indented line there goes on with the body).
    """

    start: int
    end: int
    body_start: int
    name: tuple[int, int]
    touched: bool
    guard: tuple[int, int]


Places = tuple[int, int, int, int, int]
"""start, end, body_start, and the name's start and end."""


class Outline:
    """The places of all functions of one text, fingerprints of a few of them, and which are hot.

    A file of 10,000 lines takes 50 ms to read: so it is read after a pause only, and a large one in
    a process of its own.
    """

    def __init__(
        self,
        text: str,
        places: dict[str, Places],
        silenced: Iterable[str],
        fingerprints: dict[str, str],
        wanted: Collection[str],
        heat: FileHeat | None = None,
        hot: dict[str, Placed] | None = None,
    ) -> None:
        self.text = text
        self.places = places
        self.silenced = frozenset(silenced)
        self.fingerprints = fingerprints
        self.wanted = frozenset(wanted)
        self.heat, self.hot = heat, hot or {}
        self._heads = sorted((p[0], p[2], n) for n, p in places.items())

    @classmethod
    def of(
        cls,
        text: str,
        lines: LineIndex,
        functions: Sequence[Function],
        wanted: Collection[str],
        heat: FileHeat | None = None,
    ) -> Outline:
        """The outline of functions that were just read from the text."""
        # A later definition hides an earlier one of the same name, as in Python.
        last = {f.qualname: f for f in functions}
        places: dict[str, Places] = {
            name: (
                f.start,
                f.end,
                f.body_start,
                lines.offset(f.name_range.start),
                lines.offset(f.name_range.end),
            )
            for name, f in last.items()
        }
        silenced = [name for name, f in last.items() if f.ignored]
        hot = heat.place(functions) if heat else {}
        shown = [name for name in (*wanted, *hot) if name in last]
        fingerprints = {name: last[name].fingerprint for name in shown}
        return cls(text, places, silenced, fingerprints, wanted, heat, hot)

    def is_of(self, wanted: Collection[str], heat: FileHeat | None) -> bool:
        """Whether it tells what is wanted, of this profile's heat."""
        stamps = [h.stamp if h else None for h in (self.heat, heat)]
        return self.wanted.issuperset(wanted) and stamps[0] == stamps[1]

    def to_json(self) -> dict[str, Any]:
        """The outline without its text."""
        return {
            "places": self.places,
            "silenced": sorted(self.silenced),
            "fingerprints": self.fingerprints,
            "hot": {name: asdict(placed) for name, placed in self.hot.items()},
        }

    @classmethod
    def from_json(
        cls, text: str, data: dict[str, Any], wanted: Collection[str], heat: FileHeat | None
    ) -> Outline:
        """An outline that another process read from the text."""
        places = {name: tuple(place) for name, place in data["places"].items()}
        hot = {
            name: Placed(**{**row, "lines": tuple(PlacedLine(**x) for x in row["lines"])})
            for name, row in data["hot"].items()
        }
        return cls(text, places, data["silenced"], data["fingerprints"], wanted, heat, hot)

    def head_at(self, offset: int) -> str | None:
        """The function whose head (decorators up to the body) holds the offset of this text."""
        at = bisect_right(self._heads, (offset, len(self.text) + 1, "")) - 1
        if at < 0:
            return None
        start, body_start, name = self._heads[at]
        return name if start <= offset < body_start else None


@dataclass(frozen=True)
class Splice:
    """One edit: `length` characters in place of those from `start` to `end`."""

    start: int
    end: int
    length: int

    def moved(self, place: int) -> int:
        """Where a place lies after the edit; what was replaced shrinks to its start."""
        if place <= self.start:
            return place
        if place >= self.end:
            return place + self.length - (self.end - self.start)
        return self.start

    def back(self, place: int) -> int | None:
        """Where a place lay before the edit; None inside the new text."""
        if place < self.start:
            return place
        if place >= self.start + self.length:
            return place - self.length + (self.end - self.start)
        return None

    def touches(self, start: int, end: int) -> bool:
        """Whether the edit is in a range; at its edges counts.

        A decorator may have come before a function, or its body may go on.
        """
        return end >= self.start and start <= self.end


def splice_between(before: str, after: str) -> Splice:
    """The smallest single edit that turns one text into another."""
    head, tail = same_ends(before, after)
    return Splice(head, len(before) - tail, len(after) - tail - head)


class Spans:
    """Where the functions of an outline lie after edits, without reading the text again."""

    def __init__(
        self,
        outline: Outline,
        splices: tuple[Splice, ...] = (),
        known: dict[str, Span] | None = None,
    ) -> None:
        self.outline = outline
        self._splices = splices
        self._known = known or {}

    def after(self, splice: Splice) -> Spans:
        """The places after one more edit."""
        known = {name: _moved(span, splice) for name, span in self._known.items()}
        return Spans(self.outline, (*self._splices, splice), known)

    @property
    def edits(self) -> int:
        """How many edits there were since the outline was read."""
        return len(self._splices)

    def get(self, name: str) -> Span | None:
        """Where a function lies now; None for one that the outline does not know."""
        if name not in self._known:
            places = self.outline.places.get(name)
            if places is None:
                return None
            guard = _guard(self.outline.text, places[0], places[1])
            span = Span(places[0], places[1], places[2], (places[3], places[4]), False, guard)
            for splice in self._splices:
                span = _moved(span, splice)
            self._known[name] = span
        return self._known[name]

    def head_at(self, offset: int) -> str | None:
        """The function whose head holds the offset, where no edit touched that head."""
        then: int | None = offset
        for splice in reversed(self._splices):
            then = None if then is None else splice.back(then)
        name = None if then is None else self.outline.head_at(then)
        if name is None:
            return None
        start, _, body_start, *_ = self.outline.places[name]
        for splice in self._splices:
            if splice.touches(start, body_start):
                return None
            start, body_start = splice.moved(start), splice.moved(body_start)
        return name


def _moved(span: Span, splice: Splice) -> Span:
    return Span(
        splice.moved(span.start),
        splice.moved(span.end),
        splice.moved(span.body_start),
        (splice.moved(span.name[0]), splice.moved(span.name[1])),
        span.touched or splice.touches(*span.guard),
        (splice.moved(span.guard[0]), splice.moved(span.guard[1])),
    )


_BLANK = re.compile(r"[ \t\f]*(?:#[^\r\n]*)?(?:\r\n|\n|\r)")
_LINE = re.compile(r"[^\r\n]*")
_NEWLINE = re.compile(r"\r\n|\n|\r")


def _guard(text: str, start: int, end: int) -> tuple[int, int]:
    """The end of the code line before a function, and that of the code line after it."""
    first = start
    while first > 0:
        line_end = first
        first = max(text.rfind("\n", 0, first - 1), text.rfind("\r", 0, first - 1)) + 1
        line = text[first:line_end].strip()
        if line and not line.startswith("#"):
            first = first + len(text[first:line_end].rstrip("\r\n"))
            break
    rest = _LINE.match(text, end)
    last = rest.end() if rest else end
    newline = _NEWLINE.match(text, last)
    last = newline.end() if newline else last
    while blank := _BLANK.match(text, last):
        last = blank.end()
    code = _LINE.match(text, last)
    return first, code.end() if code else last
