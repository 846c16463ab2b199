"""`hasten index add-notes`: read research notes into the memory."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path

import typer

from index.store import Memory
from server.cli.output import GOOD, NOT_GOOD, ProgressLine, counted, emit_json, note, page, shown


def add_notes(
    path: str = typer.Argument(help="A note (Markdown, HTML, PDF, text), or a folder of them."),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON value."),
) -> int:
    """Read research notes, documentation or a repository, to be cited where they fit."""
    from index.notes.adding import add_notes as add  # its readers are imported when they are used

    with Memory() as memory, ProgressLine() as progress:
        added = add(memory, whole_path(path), progress)
        notes = memory.notes
    for line in notes:
        note(line)
    if as_json:
        emit_json(asdict(added))
        return GOOD if added.notes or added.unchanged else NOT_GOOD
    kept = f"{counted(added.notes, 'note')}, {counted(added.passages, 'passage')}"
    page().print(kept + f", {added.unchanged} unchanged" * bool(added.unchanged))
    for skipped, why in added.skipped:
        note(f"{shown(skipped)}: {why}")
    return GOOD if added.notes or added.unchanged else NOT_GOOD


def whole_path(path: str) -> Path:
    """The absolute path of a note: the memory is one for all folders.

    A link keeps its name, so that what it leads to later takes the place of what is kept; ".." is
    where the system goes, which behind a link is not the folder above it.
    """
    found = Path(path).absolute()
    return Path(os.path.realpath(found)) if ".." in found.parts else found
