"""What measuring a case ends with."""

from __future__ import annotations

from benchmark_runner.rule_gains.reading import Reading

Sizes = tuple[Reading | None, Reading | None, Reading | None]
"""What was read at each of a case's sizes; None where a call or a run is too short to time."""


class NotEqual(Exception):
    """The two versions of a case did not do the same; the text tells on which call."""
