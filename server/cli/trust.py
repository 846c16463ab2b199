"""`hasten trust`: let a workspace's own settings name interpreters, commands and models."""

from __future__ import annotations

from pathlib import Path

import typer

from analysis.errors import InputError
from hasten.paths import workspace_of
from server import trust as registry
from server.cli.output import GOOD, NOT_GOOD, emit_json, page


def trust(
    path: str = typer.Argument(".", help="A folder of the workspace."),
    remove: bool = typer.Option(False, "--remove", help="Take the trust back."),
    show: bool = typer.Option(False, "--show", help="Only say whether it is trusted."),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON value."),
) -> int:
    """Trust a workspace: its .venv and its settings may then decide what runs."""
    folder = Path(path).absolute()
    if not folder.exists():
        raise InputError(f"{path}: no such folder", code="file-missing", mend="check the path")
    workspace = workspace_of(folder)
    if remove:
        registry.untrust(workspace)
    elif not show:
        registry.trust(workspace)
    trusted = registry.is_trusted(workspace)
    if as_json:
        emit_json({"workspace": str(workspace), "trusted": trusted})
    else:
        page().print(f"{workspace}: {'trusted' if trusted else 'not trusted'}")
    return GOOD if trusted or remove else NOT_GOOD
