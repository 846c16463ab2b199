"""`hasten index add` and `hasten index mine`: claimed optimizations of others, proved here."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict
from itertools import islice
from pathlib import Path

import typer

from analysis.errors import InputError
from analysis.progress import CancelToken, Progress
from hasten.paths import state_dir, workspace_of
from index.importers import FORMATS, Claim, read_claims
from index.importers.history import mine as mine_history
from index.store import Memory
from optimizer.claims import Summary, import_claims
from server.cli.common import cancel_on_interrupt, existing_file, place_of, python_of
from server.cli.output import GOOD, NOT_GOOD, ProgressLine, counted, emit_json, page

_JSON = typer.Option(False, "--json", help="Print one JSON value.")
_LIMIT = typer.Option(None, "--limit", min=1, help="Look at so many claims only.")
_PYTHON = typer.Option(None, "--python", help="The interpreter to prove with.")


def add(
    file: str = typer.Argument(help="Claims: JSON lines, a JSON array or CSV of a known format."),
    format: str = typer.Option("auto", "--format", help=f"auto, {', '.join(FORMATS)}."),
    unproved: bool = typer.Option(False, "--unproved", help="Keep what can't be proved, too."),
    limit: int | None = _LIMIT,
    python: str | None = _PYTHON,
    as_json: bool = _JSON,
) -> int:
    """Prove the claimed optimizations of a file, and keep those that hold."""
    path = existing_file(file)
    # All rows are checked before the first proof: a proof takes seconds to minutes.
    total = sum(1 for _ in islice(read_claims(path, format), limit))
    done = _import(
        lambda progress, cancel: read_claims(path, format),
        python,
        limit=limit,
        total=total,
        unproved=unproved,
    )
    return _shown(done, as_json=as_json)


def mine(
    repo: str = typer.Argument(help="The folder of a git repository; nothing of it is run."),
    public: bool = typer.Option(
        False, "--public", help="Its code may be shown to models in other workspaces, too."
    ),
    limit: int | None = _LIMIT,
    python: str | None = _PYTHON,
    as_json: bool = _JSON,
) -> int:
    """Prove what commits of a repository claim to have made faster, and keep what holds."""
    path = Path(repo).absolute()
    if not path.is_dir():
        raise InputError(f"{repo}: no such folder", code="file-missing", mend="check the path")
    home = "" if public else state_dir(workspace_of(path)).name
    done = _import(
        lambda progress, cancel: mine_history(path, progress, cancel, home=home),
        python,
        limit=limit,
    )
    return _shown(done, as_json=as_json)


def _import(
    claims: Callable[[Progress, CancelToken], Iterable[Claim]],
    python: str | None,
    *,
    limit: int | None,
    total: int | None = None,
    unproved: bool = False,
) -> Summary:
    """Prove claims with the interpreter of the working directory's workspace."""
    found = python_of(place_of(Path.cwd()), python)
    with Memory() as memory, ProgressLine() as progress, cancel_on_interrupt() as cancel:
        return import_claims(
            memory,
            islice(claims(progress, cancel), limit),
            found.path,
            unproved=unproved,
            total=total or limit,
            progress=progress,
            cancel=cancel,
        )


def _shown(done: Summary, *, as_json: bool) -> int:
    """Print a summary; good where something was proved or everything was there already."""
    if as_json:
        emit_json({**asdict(done), "unproved": done.unproved, "reasons": dict(done.reasons)})
    else:
        known = f", {done.skipped} of them known already" if done.skipped else ""
        page().print(f"{counted(done.read, 'claim')} read{known}")
        page().print(f"{done.proved} proved, {done.unproved} not; {done.kept} kept")
        for kind, count in done.reasons:
            page().print(f"  {count:5}  {kind}")
    return GOOD if done.proved or done.skipped == done.read > 0 else NOT_GOOD
