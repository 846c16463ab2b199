"""What is derived from a record and made anew when that changes: static facts and shape."""

from __future__ import annotations

import logging

from analysis.facts import facts_of_text, facts_version
from analysis.functions import is_listable
from analysis.languages import LANGUAGES
from analysis.progress import Progress, silent
from analysis.shape import shape_of
from index.record import Record
from index.store import Memory

logger = logging.getLogger(__name__)

_BATCH = 10
"""Records whose facts are kept at once: what a kill costs."""
_MOST = 200_000
"""Characters of slow code that are read; what is longer is no function."""


def derive(record: Record) -> tuple[str, str]:
    """The static facts of a record's slow code in words, and its shape; "" where unreadable."""
    suffix = next((lang.suffixes[0] for lang in LANGUAGES if lang.name == record.language), "")
    if not record.slow:
        return record.facts, record.shape  # code that stayed at home
    if not suffix or len(record.slow) > _MOST:
        return "", ""
    name, path = str((record.receipt or {}).get("function", "")), f"slow{suffix}"
    try:
        if not is_listable(record.slow, path):
            return "", shape_of(record.slow, path)
        return facts_of_text(record.slow, path, name).text, shape_of(record.slow, path, name)
    except (RecursionError, ValueError, IndexError, AttributeError):
        logger.exception("no facts of record %s", record.id)  # code of anyone: it may be anything
        return "", ""


def fill_facts(memory: Memory, progress: Progress = silent) -> int:
    """Give every record the facts of today's vocabulary; how many were read. Raises Cancelled."""
    version, done = facts_version(), 0
    while records := memory.lacking_facts(version, _BATCH):
        made: list[tuple[str, str, str]] = []
        try:
            for record in records:
                progress(f"reading static facts, {done} records done", None)
                made.append((record.id, *derive(record)))
                done += 1
        finally:
            if made:
                memory.put_facts(version, made)
    return done
