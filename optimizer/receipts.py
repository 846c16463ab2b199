"""Receipts of suggestions, kept with all that it takes to prove them again.

`hasten verify --receipt ID` repeats one. They lie with the memory that must last; the oldest go
when there are many.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from analysis.text import apply_changes, to_changes
from benchmark_runner.receipts.dependencies import together
from benchmark_runner.receipts.repeat import save, with_repeat
from benchmark_runner.workload import Origin, Version, Workload
from hasten.paths import receipts_dir
from optimizer.suggestion import Suggestion

logger = logging.getLogger(__name__)

_MOST_KEPT = 500
_MOST_BYTES = 256 << 20


def resting_together(suggestions: Sequence[Suggestion]) -> list[Suggestion]:
    """Suggestions that were proved together: each may be taken before or after the others."""
    known = [s.receipt.dependencies for s in suggestions]
    return [
        replace(s, receipt=replace(s.receipt, dependencies=together(own, known)))
        for s, own in zip(suggestions, known, strict=True)
    ]


def keep_receipt(
    suggestion: Suggestion,
    proved: str,
    workload: Workload,
    rounding: float | None,
    *,
    only_cases: bool = False,
) -> None:
    """Write the suggestion's receipt. That it can't be written is logged and stops nothing.

    `proved` is the text of the file that the suggestion's replacements refer to.
    """
    text = apply_changes(proved, to_changes(proved, suggestion.replacements))
    files = {Path(path): known for path, known in workload.before.files}
    after = replace(workload.before, files=Version.of({**files, Path(suggestion.path): text}).files)
    origin: Origin = "model" if any(r.origin == "model" for r in suggestion.edits) else "rule"
    folder = receipts_dir()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        whole = with_repeat(
            suggestion.receipt, workload, after, origin, rounding, only_cases=only_cases
        )
        save(whole, folder / f"{suggestion.id}.json")
        _forget_oldest(folder)
    except OSError as error:
        logger.warning("%s: the receipt can't be kept: %s", suggestion.id, error)


def _forget_oldest(folder: Path) -> None:
    """Remove receipts beyond the most that are kept, by number and by bytes."""
    stats = [(path, path.stat()) for path in folder.glob("*.json")]
    newest = sorted(stats, key=lambda found: found[1].st_mtime_ns, reverse=True)
    used = 0
    for number, (path, stat) in enumerate(newest):
        used += stat.st_size
        if number >= _MOST_KEPT or used > _MOST_BYTES:
            path.unlink(missing_ok=True)
