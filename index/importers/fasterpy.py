"""FasterPy (github.com/WuYue22/FasterPy): a knowledge base of edits with summaries by a model.

JSON lines with `input`, `target`, `diff`, `rate` and `summary`, of PIE's Python pairs and of
Mercury's. For the former `rate` is the share of time that was saved (0 to 1), for the latter the
ratio of two runtimes (1 and more). There are no inputs: functions are called with generated ones,
and whole programs can't be proved. The repository has no licence; only its format is known here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from index.importers.claim import Claim
from index.importers.languages import only_function
from index.importers.rows import MAX_EDITS, Row, digest_of, rows_of

_NUMBERED = re.compile(r"(?:^|[\s;])(\d{1,2})[.)]\s*(?=\D)")


def recognises(first: dict[str, Any]) -> bool:
    """Whether a file's first object is of this shape."""
    return {"input", "target", "rate"} <= first.keys() and "problem_id" not in first


def read(path: Path) -> Iterator[Claim]:
    """The claims of a file, in order. Raises ClaimError."""
    for row in rows_of(path):
        slow, fast, summary = row.code("input"), row.code("target"), row.words("summary")
        yield Claim(
            language="python",
            slow=slow,
            fast=fast,
            origin=f"fasterpy:{digest_of(slow, fast)}",
            function=only_function(slow, fast),
            edit=summary,
            edits=edits_of(summary),
            licence="no licence",
            notice="FasterPy (WuYue22/FasterPy), of PIE and Mercury",
            reported_ratio=_ratio(row),
        )


def edits_of(summary: str) -> tuple[str, ...]:
    """The points of "1. ...; 2. ...", in the order of their numbers; without numbers, the whole.

    A number that is not the next one belongs to the text.
    """
    starts: list[re.Match[str]] = []
    for match in _NUMBERED.finditer(summary):
        if int(match[1]) == len(starts) + 1:
            starts.append(match)
    if not starts:
        return (summary,) if summary else ()
    ends = [match.start() for match in starts[1:]] + [len(summary)]
    texts = (summary[a.end() : end].strip(" ;\n\t") for a, end in zip(starts, ends, strict=True))
    return tuple(text for text in texts if text)[:MAX_EDITS]


def _ratio(row: Row) -> float | None:
    rate = row.number("rate")
    if rate is None or rate <= 0 or rate == 1:
        return None
    return rate if rate > 1 else 1 / (1 - rate)
