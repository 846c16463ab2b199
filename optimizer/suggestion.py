"""Nouns of a result: ladder, rung, suggestion and rejection, as they cross to the faces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import cattrs

from analysis.text import Replacement
from benchmark_runner.receipt import Equality, Receipt
from benchmark_runner.workload import InputSource

State = Literal["hint", "running", "verified", "rejected", "stale", "accepted"]


@dataclass(frozen=True)
class Rung:
    """One atomic edit of a ladder; its ranges refer to the text after the previous rung.

    `alone` says that the edit applies to the original text by itself and was proved so. `ratio`
    and `interval` are of this step: text after the previous rung against text after this one.
    """

    title: str
    description: str
    replacements: tuple[Replacement, ...]
    alone: bool
    ratio: float
    interval: tuple[float, float]
    receipt: Receipt
    origin: str


@dataclass(frozen=True)
class Suggestion:
    """A proved ladder for one function. `replacements` turn the original into the last rung.

    `before_sha256` is the hash of the whole file that was proved, `fingerprint` the function's.
    """

    id: str
    path: str
    function: str
    fingerprint: str
    before_sha256: str
    title: str
    ratio: float
    interval: tuple[float, float]
    equality: Equality
    edits: tuple[Rung, ...]
    replacements: tuple[Replacement, ...]
    receipt: Receipt
    state: State = "verified"


@dataclass(frozen=True)
class Rejection:
    """A candidate that was not offered: which stage refused it, and why."""

    path: str
    function: str
    title: str
    stage: str
    reason: str


@dataclass(frozen=True)
class InputsSummary:
    """Where the inputs of a search came from and how many there were."""

    source: InputSource
    count: int


@dataclass(frozen=True)
class RunGain:
    """Seconds of wall clock of the whole run, before and after the combination."""

    before_s: float
    after_s: float


@dataclass(frozen=True)
class Outcome:
    """All that one `optimize` job found."""

    suggestions: tuple[Suggestion, ...]
    rejected: tuple[Rejection, ...]
    inputs: InputsSummary
    run: RunGain | None
    notes: tuple[str, ...] = ()


_converter = cattrs.Converter()


def to_json(value: Suggestion | Outcome) -> dict[str, Any]:
    """A suggestion or an outcome as plain JSON values."""
    data: dict[str, Any] = _converter.unstructure(value)
    return data


def suggestion_from_json(data: dict[str, Any]) -> Suggestion:
    """A suggestion from plain JSON values."""
    return _converter.structure(data, Suggestion)


def outcome_from_json(data: dict[str, Any]) -> Outcome:
    """An outcome from plain JSON values."""
    return _converter.structure(data, Outcome)
