"""`hasten index forget`: take records and research notes out of the memory for good."""

from __future__ import annotations

from typing import Annotated

import typer

from analysis.errors import InputError
from index.corpus.load import CORPUS
from index.store import Memory
from server.cli.index_notes import whole_path
from server.cli.output import GOOD, emit_json, page


def forget(
    what: Annotated[
        list[str],
        typer.Argument(help="Records by id, notes by the path that was added."),
    ],
    as_json: bool = typer.Option(False, "--json", help="Print one JSON value."),
) -> int:
    """Take records and research notes out of the memory for good."""
    with Memory() as memory:
        known = memory.notes_read()
        records = memory.some(what)
        notes = {word: source for word in what if (source := _source(word, known))}
        for word in what:
            if word not in records and word not in notes:
                raise InputError(
                    f"{word}: neither a record nor a note of the memory",
                    code="forget-unknown",
                    mend="`hasten index search` prints ids; of a note give the path that was added",
                )
            if word in records and records[word].provenance.startswith(f"{CORPUS}:"):
                raise InputError(
                    f"{word}: is shipped with hasten and would come back",
                    code="forget-shipped",
                    mend="reject what it leads to: hasten reject ID",
                )
        memory.remove(records)
        for source in notes.values():
            memory.forget_note(source)
    if as_json:
        emit_json({"records": [*records], "notes": [*notes.values()]})
    else:
        for name in (*records, *notes.values()):
            page().print(f"forgotten: {name}")
    return GOOD


def _source(word: str, known: dict[str, str]) -> str | None:
    """The note that a word names: as it is kept, or by its path."""
    return next((name for name in (word, str(whole_path(word))) if name in known), None)
