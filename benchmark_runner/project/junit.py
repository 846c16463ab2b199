"""Outcome of every single test from JUnit XML, as pytest and GoogleTest write it; hostile text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal
from xml.parsers import expat

MOST_BYTES = 64 << 20
_MOST_TESTS = 100_000
_MOST_NAME = 400

TestOutcome = Literal["passed", "failed", "skipped"]


class _Stop(Exception):
    """The document is not one that a test tool writes."""


class _Reader:
    def __init__(self) -> None:
        self.outcomes: dict[str, TestOutcome] = {}
        self._open: str | None = None
        self._times: dict[str, int] = {}

    def start(self, tag: str, attributes: dict[str, Any]) -> None:
        if tag == "testcase":
            base = f"{attributes.get('classname', '')}::{attributes.get('name', '')}"[:_MOST_NAME]
            base = "".join(c if c.isprintable() else " " for c in base)
            self._times[base] = self._times.get(base, 0) + 1
            name = base if self._times[base] == 1 else f"{base} #{self._times[base]}"
            if len(self.outcomes) >= _MOST_TESTS:
                raise _Stop
            left_out = attributes.get("status") == "notrun"
            self.outcomes[name] = "skipped" if left_out else "passed"
            self._open = name
        elif self._open is not None and tag in ("failure", "error"):
            self.outcomes[self._open] = "failed"
        elif self._open is not None and tag == "skipped":
            self.outcomes[self._open] = "skipped"

    def end(self, tag: str) -> None:
        if tag == "testcase":
            self._open = None

    def doctype(self, *_: object) -> None:
        raise _Stop  # entities could make it grow without bound


def read_junit(data: bytes) -> dict[str, TestOutcome] | None:
    """Outcomes by "classname::name"; a second one of that name is "... #2". None if it is none."""
    if len(data) > MOST_BYTES:
        return None
    reader = _Reader()
    parser = expat.ParserCreate()
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.StartDoctypeDeclHandler = reader.doctype
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, _Stop, ValueError, LookupError):
        return None
    return reader.outcomes


def difference(
    before: Mapping[str, TestOutcome], after: Mapping[str, TestOutcome]
) -> tuple[str, str, str] | None:
    """The first test that does not do as well: its name and both outcomes; None if there is none.

    A test that is no longer there, is skipped or fails differs. One that is new does not.
    """
    for name, outcome in before.items():
        now = after.get(name)
        if outcome == "passed" and now != "passed":
            return name, outcome, now or "not run"
        if outcome == "skipped" and now in (None, "failed"):
            return name, outcome, now or "not run"
    return None


def merged(documents: Iterable[bytes]) -> dict[str, TestOutcome]:
    """The outcomes of several documents; a name in two of them counts by its worse outcome."""
    rank = {"passed": 0, "skipped": 1, "failed": 2}
    found: dict[str, TestOutcome] = {}
    for data in documents:
        for name, outcome in (read_junit(data) or {}).items():
            known = found.get(name)
            if known is None or rank[outcome] > rank[known]:
                found[name] = outcome
    return found
