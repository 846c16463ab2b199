"""`hasten apply ID...` and `hasten undo`, the only commands that write into a user's files, and
`hasten reject ID`."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import platformdirs
import typer

from analysis.errors import HastenError, InputError
from analysis.relocate import carry, relocate
from analysis.source import SourceFile, read_source, write_source
from analysis.text import apply_changes, changes_between
from benchmark_runner.receipts.dependencies import changes_since
from hasten.paths import state_dir, workspace_of
from index.record import AcceptedEdit
from index.store import Memory, now
from optimizer.learning import learn
from optimizer.results import Results
from optimizer.suggestion import State, Suggestion
from server.cli.output import GOOD, NOT_GOOD, emit_json, note, page, shown


def apply(
    ids: Annotated[list[str], typer.Argument(help="Suggestions, as `hasten optimize` named them.")],
    as_json: bool = typer.Option(False, "--json", help="Print one JSON value."),
) -> int:
    """Write proved edits into their files."""
    offers = [_find(id) for id in dict.fromkeys(ids)]
    applied = apply_suggestions(offers)
    if as_json:
        emit_json({"applied": [s.id for s in applied], "files": sorted({s.path for s in applied})})
    else:
        for s in applied:
            page().print(f"{shown(s.path)}: {s.title}", soft_wrap=True)
        note("`hasten undo` takes it back")
    return GOOD


def undo(
    id: str | None = typer.Argument(None, help="A suggestion; default: all of the last apply."),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON value."),
) -> int:
    """Take applied edits back."""
    workspace = workspace_of(Path.cwd())
    with Memory() as memory:
        for text in memory.notes:
            note(text)
        standing = [
            e for e in memory.accepted(suggestion=id) if id is not None or _within(e, workspace)
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
        _take_back(batch, memory)
    if as_json:
        files = sorted({e.path for e in batch})
        emit_json({"undone": [e.suggestion for e in batch], "files": files})
    else:
        for e in batch:
            page().print(f"{shown(e.path)}: {e.suggestion} undone", soft_wrap=True)
    return GOOD


def reject(
    id: str = typer.Argument(help="A suggestion, as `hasten optimize` named it."),
    reason: str = typer.Option("", "--reason", help="Why; kept beside it."),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON value."),
) -> int:
    """Offer an edit no more, try it no more on this function, and rank its like lower."""
    workspace, suggestion = _find(id)
    results = Results(state_dir(workspace))
    with Memory() as memory:
        text = results.proved_text(suggestion.id)
        kept = learn(memory, workspace, suggestion, "rejected", text=text, reason=reason)
        if not kept:
            raise InputError(
                f"{memory.path}: that {suggestion.id} is rejected can't be remembered",
                code="memory-unwritable",
                mend="free space on the disk, or make the file's folder writable",
            )
    results.mark(suggestion.id, "rejected")
    if as_json:
        emit_json({"rejected": suggestion.id})
    else:
        page().print(f"{shown(suggestion.path)}: {suggestion.id} rejected")
    return GOOD


def require_memory() -> None:
    """Raise StoreError where an applied edit could not be remembered for undo."""
    with Memory() as memory:
        if memory.read_only:
            raise InputError(
                f"{memory.path}: an accepted edit can't be remembered, the file or its folder is "
                "read-only",
                code="memory-read-only",
                mend=f"make {memory.path.parent} writable, or set XDG_DATA_HOME to another folder",
            )


def apply_suggestions(offers: Sequence[tuple[Path, Suggestion]]) -> tuple[Suggestion, ...]:
    """Write suggestions, each of the workspace of its search, remembering it before its file.

    Raises InputError: code "stale" when a function changed since its proof, "applied-already", or
    "file-unwritable"; nothing is written by the first two.
    """
    created = now()
    with Memory() as memory:
        for workspace, suggestion, source, before, after in _plan(offers, memory):
            edit = memory.accept(
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
            try:
                _write(source, after)
            except InputError:
                if edit.id is not None:
                    memory.mark_undone(edit.id)
                raise
            _mark(workspace, suggestion.id, "accepted")
            learn(memory, workspace, suggestion, "accepted")
    return tuple(suggestion for _, suggestion in offers)


def _write(source: SourceFile, text: str) -> None:
    try:
        write_source(source, text)
    except OSError as error:
        raise InputError(
            f"{source.path}: can't be written: {error.strerror or error}",
            code="file-unwritable",
            mend="make the file's folder writable, then apply again",
        ) from error


def _mark(workspace: Path, id: str, state: State) -> None:
    """Tell the faces; results can be rebuilt, so that they can't be told stops nothing."""
    with contextlib.suppress(HastenError):
        Results(state_dir(workspace)).mark(id, state)


def _within(edit: AcceptedEdit, workspace: Path) -> bool:
    """Whether an edit was found for this workspace or is of a file below it."""
    return edit.workspace == str(workspace) or Path(edit.path).is_relative_to(workspace)


def _plan(
    offers: Sequence[tuple[Path, Suggestion]], memory: Memory
) -> list[tuple[Path, Suggestion, SourceFile, str, str]]:
    """Each suggestion with its workspace, its file and the file's text before and after it."""
    sources: dict[str, SourceFile] = {}
    texts: dict[str, str] = {}
    planned = []
    for workspace, s in offers:
        if s.path not in sources:
            sources[s.path] = read_source(Path(s.path))
            texts[s.path] = sources[s.path].text
        before = texts[s.path]
        proved = Results(state_dir(workspace)).proved_text(s.id)
        changes = (
            None if proved is None else relocate(proved, before, s.path, s.function, s.replacements)
        )
        if changes is None and memory.accepted(suggestion=s.id):
            raise InputError(
                f"{s.path}: {s.id} is applied already",
                code="applied-already",
                mend=f"to take it back: hasten undo {s.id}",
            )
        if changes is None:
            raise InputError(
                f"{s.path}: {s.function} changed since {s.id} was proved",
                code="stale",
                mend=f"prove it again: hasten optimize {shown(s.path)}::{s.function}",
            )
        _require_fresh(s)
        texts[s.path] = apply_changes(before, changes)
        planned.append((workspace, s, sources[s.path], before, texts[s.path]))
    return planned


def _require_fresh(s: Suggestion) -> None:
    """Raise InputError (code "stale") where what a proof rests on is not as it was."""
    changed = changes_since(s.receipt.dependencies)
    if changed:
        raise InputError(
            f"{s.path}: what the proof of {s.id} rests on changed: {'; '.join(changed)}",
            code="stale",
            mend=f"prove it again: hasten optimize {shown(s.path)}::{s.function}",
        )


def _take_back(batch: Sequence[AcceptedEdit], memory: Memory) -> None:
    """Undo edits, newest first: all of them, or none when one of them clashes."""
    sources: dict[str, SourceFile] = {}
    texts: dict[str, str] = {}
    for edit in batch:
        if edit.path not in sources:
            sources[edit.path] = read_source(Path(edit.path))
            texts[edit.path] = sources[edit.path].text
        oldest = next(e for e in reversed(batch) if e.path == edit.path)
        if sources[edit.path].text != oldest.before:  # else a kill came before it was remembered
            texts[edit.path] = _without(edit, texts[edit.path])
    for path, source in sources.items():
        if texts[path] != source.text:
            _write(source, texts[path])
    for edit in batch:
        if edit.id is not None:
            memory.mark_undone(edit.id)
        workspace = Path(edit.workspace)
        _mark(workspace, edit.suggestion, "verified")
        with contextlib.suppress(HastenError):  # results can be gone
            if found := Results(state_dir(workspace)).get(edit.suggestion):
                learn(memory, workspace, found, "undone")


def _without(edit: AcceptedEdit, text: str) -> str:
    """A file's text without one edit. Raises InputError (code "undo-clash")."""
    if text == edit.before:
        return text  # a kill came between remembering and writing
    back = carry(edit.after, text, changes_between(edit.after, edit.before))
    if back is None:
        raise InputError(
            f"{edit.path}: the lines of {edit.suggestion} changed since it was applied",
            code="undo-clash",
            mend="take it back by hand, or with your version control",
        )
    return apply_changes(text, back)


def _find(id: str) -> tuple[Path, Suggestion]:
    """A suggestion by name, of the workspace here, else of any, with the workspace's folder."""
    here = state_dir(workspace_of(Path.cwd()))
    everywhere = sorted(Path(platformdirs.user_state_path("hasten", appauthor=False)).glob("*/"))
    for folder in (here, *everywhere):
        if not (folder / "results.db").is_file():
            continue
        try:
            found = Results(folder).get(id)
        except HastenError:
            if folder == here:
                raise
            continue  # another workspace's trouble
        if found:
            return _searched_from(folder, Path(found.path)), found
    raise InputError(
        f"{id}: no such suggestion",
        code="suggestion-unknown",
        mend="names are printed by `hasten optimize`; results are kept until the next search",
    )


def _searched_from(folder: Path, path: Path) -> Path:
    """The workspace that a folder of results is of: it is above the file, or here."""
    around = (*path.parents, workspace_of(Path.cwd()))
    return next((place for place in around if state_dir(place) == folder), workspace_of(path))


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
