"""What is derived from records and made anew when the way it is derived changes: static facts."""

from __future__ import annotations

import logging

from analysis.facts import facts_of_text, facts_version
from analysis.languages import LANGUAGES
from analysis.progress import Progress, silent
from index.record import Record
from index.store import Memory

logger = logging.getLogger(__name__)

_BATCH = 200
_MOST = 200_000
"""Characters of slow code that are read; what is longer is no function."""


def facts_of(record: Record) -> str:
    """The static facts of a record's slow code in words; "" where it can't be read."""
    suffix = next((lang.suffixes[0] for lang in LANGUAGES if lang.name == record.language), "")
    if not suffix or not record.slow or len(record.slow) > _MOST:
        return record.facts if not record.slow else ""
    name = str((record.receipt or {}).get("function", ""))
    try:
        return facts_of_text(record.slow, f"slow{suffix}", name).text
    except (RecursionError, ValueError, IndexError, AttributeError):
        logger.exception("no facts of record %s", record.id)  # code of anyone: it may be anything
        return ""


def fill_facts(memory: Memory, progress: Progress = silent) -> int:
    """Give every record the facts of today's vocabulary; how many were read. Raises Cancelled."""
    version, done = facts_version(), 0
    while records := memory.lacking_facts(version, _BATCH):
        progress(f"reading static facts, {done} records done", None)
        memory.put_facts(version, [(record.id, facts_of(record)) for record in records])
        done += len(records)
    return done
