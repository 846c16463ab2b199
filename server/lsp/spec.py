"""What the engine is asked to do for a function in the editor."""

from __future__ import annotations

import shlex
from pathlib import Path

from analysis.errors import AnalysisError, InputError
from analysis.source import read_source
from benchmark_runner.interpreters import find_python
from optimizer.engine.protocol import OptimizeSpec
from server.lsp.background import in_thread
from server.lsp.configuration import Configuration
from server.model import model_of
from server.workloads import require_command, workload_fields


async def spec_for(
    configuration: Configuration,
    root: Path,
    path: Path,
    function: str,
    text: str | None,
    *,
    by_command: bool = False,
) -> OptimizeSpec:
    """The search for one function. `text` is the editor's; None where the disk counts.

    With `by_command` it is proved by the project's own test and benchmark commands.

    Raises InputError when the editor does not trust the workspace, a setting is wrong or there is
    no interpreter.
    """
    if configuration.trusted_by_editor is False:
        raise InputError(
            # First what is wrong: VS Code cuts a message to one line, and paths are long.
            f"this workspace is not trusted, so nothing of it is run: {root}",
            code="untrusted",
            mend="trust the workspace in the editor, then try again",
        )
    configuration.reload()
    settings = configuration.load(root)
    trusted = configuration.trusts(root)
    if by_command:
        require_command(settings, root, trusted=trusted)
    python = await in_thread(lambda: find_python(None, settings.python, root, trusted, near=path))
    return OptimizeSpec(
        workspace=str(root),
        path=str(path),
        function=function,
        python=str(python.path),
        text=await in_thread(lambda: _unsaved(path, text)),
        workload=tuple(shlex.split(settings.workload)) if settings.workload else None,
        cwd=str(root),
        strategy=settings.strategy,
        budget=settings.budget,
        model=model_of(settings),
        rounding=settings.rounding,
        ignore=settings.ignore,
        kind="command" if by_command else None,
        **workload_fields(settings),
    )


def _unsaved(path: Path, text: str | None) -> str | None:
    """The editor's text where it differs from the disk's."""
    try:
        return None if text is None or read_source(path).text == text else text
    except AnalysisError:
        return text
