"""`hasten apply ID...` and `hasten undo`: the only commands that write into a user's files."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import platformdirs
import typer

from analysis.errors import InputError
from analysis.relocate import carry, relocate
from analysis.source import SourceFile, read_source, write_source
from analysis.text import apply_changes, changes_between
from hasten.paths import state_dir, workspace_of
from index.record import AcceptedEdit
from index.store import Memory, now
from optimizer.results import Results
from optimizer.suggestion import Suggestion
from server.cli.output import GOOD, NOT_GOOD, emit_json, page


def apply(
    ids: Annotated[list[str], typer.Argument(help="Suggestions, as `hasten optimize` named them.")],
    as_json: bool = typer.Option(False, "--json", help="Print one JSON value."),
) -> int:
    """Write proved edits into their files."""
    found = [_find(id) for id in ids]
    workspace = workspace_of(Path(found[0].path))
    applied = apply_suggestions(found, workspace)
    if as_json:
        emit_json({"applied": [s.id for s in applied], "files": sorted({s.path for s in applied})})
    else:
        for s in applied:
            page().print(f"{os.path.relpath(s.path)}: {s.title}", markup=False)
    return GOOD


def undo(
    id: str | None = typer.Argument(None, help="A suggestion; default: all of the last apply."),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON value."),
) -> int:
    """Take applied edits back."""
    workspace = str(workspace_of(Path.cwd()))
    with Memory() as memory:
        standing = [
            e for e in memory.accepted(suggestion=id) if id is not None or e.workspace == workspace
        ]
        if not standing:
            if id:
                raise InputError(
                    f"{id}: no applied edit of that name",
                    code="undo-unknown",
                    mend="`hasten undo` without a name takes back the last apply",
                )
            if as_json:
                emit_json({"undone": []})
            else:
                page().print("nothing to undo in this workspace")
            return NOT_GOOD
        batch = standing[:1] if id else [e for e in standing if e.created == standing[0].created]
        for edit in batch:
            _take_back(edit, memory)
    if as_json:
        emit_json({"undone": [e.suggestion for e in batch]})
    else:
        for e in batch:
            page().print(f"{os.path.relpath(e.path)}: undone", markup=False)
    return GOOD


def apply_suggestions(suggestions: Sequence[Suggestion], workspace: Path) -> tuple[Suggestion, ...]:
    """Write suggestions into their files, remembering each before its file is written.

    Raises InputError (code "stale") when a function changed since its proof; nothing is written
    then.
    """
    results = Results(state_dir(workspace))
    planned = _plan(suggestions, results)
    created = now()
    with Memory() as memory:
        for suggestion, source, before, after in planned:
            memory.accept(
                AcceptedEdit(
                    suggestion=suggestion.id,
                    workspace=str(workspace),
                    path=suggestion.path,
                    before=before,
                    after=after,
                    after_sha256=_sha256(source.to_bytes(after)),
                    created=created,
                )
            )
            write_source(source, after)
            results.mark(suggestion.id, "accepted")
    return tuple(suggestions)


def _plan(
    suggestions: Sequence[Suggestion], results: Results
) -> list[tuple[Suggestion, SourceFile, str, str]]:
    """Each suggestion with its file and the file's text before and after it, in order."""
    sources: dict[str, SourceFile] = {}
    texts: dict[str, str] = {}
    planned = []
    for s in suggestions:
        if s.path not in sources:
            sources[s.path] = read_source(Path(s.path))
            texts[s.path] = sources[s.path].text
        before = texts[s.path]
        proved = results.proved_text(s.id)
        changes = (
            None if proved is None else relocate(proved, before, s.path, s.function, s.replacements)
        )
        if changes is None:
            raise InputError(
                f"{s.path}: {s.function} changed since {s.id} was proved",
                code="stale",
                mend=f"prove it again: hasten optimize {os.path.relpath(s.path)}::{s.function}",
            )
        texts[s.path] = apply_changes(before, changes)
        planned.append((s, sources[s.path], before, texts[s.path]))
    return planned


def _take_back(edit: AcceptedEdit, memory: Memory) -> None:
    source = read_source(Path(edit.path))
    if source.text == edit.before:
        text = edit.before  # a kill came between remembering and writing
    else:
        back = carry(edit.after, source.text, changes_between(edit.after, edit.before))
        if back is None:
            raise InputError(
                f"{edit.path}: the lines of {edit.suggestion} changed since it was applied",
                code="undo-clash",
                mend="take it back by hand, or with your version control",
            )
        text = apply_changes(source.text, back)
    write_source(source, text)
    if edit.id is not None:
        memory.mark_undone(edit.id)


def _find(id: str) -> Suggestion:
    """A suggestion by name: of the workspace here, else of any."""
    here = state_dir(workspace_of(Path.cwd()))
    everywhere = sorted(Path(platformdirs.user_state_path("hasten", appauthor=False)).glob("*/"))
    for folder in (here, *everywhere):
        if (folder / "results.db").is_file():
            found = Results(folder).get(id)
            if found:
                return found
    raise InputError(
        f"{id}: no such suggestion",
        code="suggestion-unknown",
        mend="names are printed by `hasten optimize`; results are kept until the next search",
    )


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
