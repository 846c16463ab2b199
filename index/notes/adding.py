"""Notes into the memory: files are read, cut into passages, and kept whole or not at all."""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass
from pathlib import Path

from analysis.progress import Progress, silent
from index.notes.parts import NoteUnreadable
from index.notes.reading import NO_HEAD, kind_by_content, most_bytes, read_note
from index.notes.walking import bytes_of, files_of
from index.store import Memory

MOST_NOTES = 5000
MOST_PASSAGES = 50_000
"""Of one call: what is more is left for the next one."""

_MOST_SKIPPED = 200


@dataclass(frozen=True)
class Added:
    """What became of the files: `notes` were read and kept, with this many `passages`.

    `unchanged` files were kept before with the same content (sha256). `skipped` are (path, why),
    of a file that was kept in part, too;
    of many, the first ones.
    """

    notes: int
    passages: int
    unchanged: int
    skipped: tuple[tuple[str, str], ...]


def add_notes(memory: Memory, path: Path, progress: Progress = silent) -> Added:
    """Keep the notes of a file or a folder: Markdown, HTML, PDF, text, the tops of source files.

    A note's source is `path` with what is below it, as it was given. Each note is kept in one
    step, in the place of what was kept of its source; one that is gone from the disk stays. Hidden
    files, links, installed packages and virtual environments are left out. Nothing in a note is
    run or followed.

    Raises InputError when `path` can't be read, StoreError when the memory can't be written, and
    Cancelled through `progress`; what was kept until then stays.
    """
    looking = f"looking for notes in {path}"
    walk = files_of(path, lambda: progress(looking, None))
    known = memory.notes_read()
    skipped = list(walk.skipped)
    notes = passages = unchanged = silent_sources = 0
    for number, (file, kind) in enumerate(walk.files):
        source = file.as_posix()
        tick = functools.partial(progress, f"reading {source}", number / len(walk.files))
        tick()
        if notes >= MOST_NOTES or passages >= MOST_PASSAGES:
            left = len(walk.files) - number
            skipped.append((source, f"{left} files from this one on are left: add them once more"))
            break
        try:
            data = bytes_of(file, most_bytes(kind), follow=not walk.inside)
            total = hashlib.sha256(data).hexdigest()
            if known.get(source) == total:
                unchanged += 1
                continue
            reading = read_note(file.name, kind or kind_by_content(data), data, tick)
        except NoteUnreadable as error:
            skipped.append((source, str(error)))
            continue
        if reading.passages or source in known:
            memory.add_note(source, total, reading.passages)
        notes, passages = notes + bool(reading.passages), passages + len(reading.passages)
        if reading.missing == NO_HEAD and walk.inside:
            silent_sources += 1
        elif reading.missing:
            skipped.append((source, reading.missing))
    if silent_sources:
        why = f"{silent_sources} source files have no docstring or comment at their top"
        skipped.append((path.as_posix(), why))
    return Added(notes, passages, unchanged, _listed(path, skipped))


def _listed(path: Path, skipped: list[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """As many of the skipped as a person reads, with how many there are beside them."""
    more = len(skipped) - _MOST_SKIPPED
    if more > 0:
        skipped = [*skipped[:_MOST_SKIPPED], (path.as_posix(), f"{more} more were skipped")]
    return tuple(skipped)
