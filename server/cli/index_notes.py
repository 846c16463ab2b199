"""`hasten index add-notes`: read research notes into the memory."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import typer

from index.store import Memory
from server.cli.output import GOOD, NOT_GOOD, ProgressLine, counted, emit_json, note, page


def add_notes(
    path: str = typer.Argument(help="A note (Markdown, HTML, PDF, text), or a folder of them."),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON value."),
) -> int:
    """Read research notes, documentation or a repository, to be cited where they fit."""
    from index.notes.adding import add_notes as add  # its readers are imported when they are used

    with Memory() as memory, ProgressLine() as progress:
        added = add(memory, Path(path), progress)
        notes = memory.notes
    for line in notes:
        note(line)
    if as_json:
        emit_json(asdict(added))
        return GOOD if added.notes or added.unchanged else NOT_GOOD
    kept = f"{counted(added.notes, 'note')}, {counted(added.passages, 'passage')}"
    page().print(kept + f", {added.unchanged} unchanged" * bool(added.unchanged), markup=False)
    for skipped, why in added.skipped:
        note(f"{skipped}: {why}")
    return GOOD if added.notes or added.unchanged else NOT_GOOD
