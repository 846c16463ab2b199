"""What the memory says of a function, as it crosses from the process that holds the memory.

All of it is text of anyone: claims that were imported, notes, titles that a model wrote. So it is
bounded and made one line on both sides, and how it is shown is not its own choice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

MOST_SIMILAR = 3
MOST_QUOTES = 2
MOST_TITLE = 200
MOST_EXCERPT = 240
MOST_CITED = 200
MOST_RATIO = 1e6
"""A larger figure is nobody's measurement."""

STANDINGS = {
    "shipped": "proved, shipped corpus",
    "accepted": "accepted here",
    "proved": "proved here",
    "checked": "imported, proved here",
    "imported": "claimed, imported",
    "told": "claimed, not proved",
}
"""What a past optimization rests on, in words."""


@dataclass(frozen=True)
class Similar:
    """A past optimization of other code. `ratio` is that of the other code, or None."""

    title: str
    ratio: float | None
    standing: str


@dataclass(frozen=True)
class Quote:
    """A piece of a research note, and where it stands ("NOTE, section")."""

    text: str
    cited: str


@dataclass(frozen=True)
class Recollection:
    """What is shown of the memory for one function, the best first."""

    similar: tuple[Similar, ...] = ()
    quotes: tuple[Quote, ...] = ()

    def to_row(self) -> list[Any]:
        """As plain values."""
        return [
            [[s.title, s.ratio, s.standing] for s in self.similar],
            [[q.text, q.cited] for q in self.quotes],
        ]

    @classmethod
    def from_row(cls, row: Any) -> Recollection:
        """What `to_row` made. Raises ValueError or TypeError for anything else."""
        similar, quotes = _list(row, 2)
        return cls(
            tuple(_similar(one) for one in _list(similar, MOST_SIMILAR)),
            tuple(_quote(one) for one in _list(quotes, MOST_QUOTES)),
        )


def one_line(text: str, most: int) -> str:
    """The printable characters in one line of at most `most`; "…" where it was cut.

    What is not printable goes: signs that turn the direction of writing change what is read, and
    half a surrogate pair can't be sent.
    """
    head = text[: 4 * most]
    shown = " ".join("".join(c if c.isprintable() else " " for c in head).split())
    return shown if len(shown) <= most else shown[: most - 1].rstrip() + "…"


def believable(ratio: float | None) -> bool:
    """Whether a ratio can be shown as the gain of something that worked."""
    return ratio is not None and 1.0 < ratio <= MOST_RATIO


def _similar(row: Any) -> Similar:
    title, ratio, standing = _list(row, 3)
    if ratio is not None and (isinstance(ratio, bool) or not believable(ratio)):
        raise ValueError(f"no ratio: {ratio!r:.40}")
    if standing not in STANDINGS:
        raise ValueError(f"no standing: {standing!r:.40}")
    return Similar(_line(title, MOST_TITLE), ratio, standing)


def _quote(row: Any) -> Quote:
    text, cited = _list(row, 2)
    return Quote(_line(text, MOST_EXCERPT), _line(cited, MOST_CITED))


def _list(value: Any, most: int) -> list[Any]:
    if not isinstance(value, list) or len(value) > most:
        raise ValueError(f"no list of {most} at most: {value!r:.40}")
    return value


def _line(value: Any, most: int) -> str:
    line = one_line(value, most) if isinstance(value, str) else ""
    if not line:
        raise ValueError(f"no text: {value!r:.40}")
    return line
