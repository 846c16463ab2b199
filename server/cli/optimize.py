"""`hasten optimize`: find, prove and show edits; nothing changes without --apply."""

from __future__ import annotations

import asyncio
import contextlib
import difflib
import os
import shlex
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.syntax import Syntax
from rich.table import Table

from analysis.errors import Cancelled, InputError
from analysis.progress import CancelToken
from analysis.source import read_source
from analysis.text import apply_replacements
from optimizer.engine.protocol import OptimizeSpec
from optimizer.suggestion import Outcome, Suggestion, to_json
from server.cli.apply import apply_suggestions
from server.cli.common import (
    cancel_on_interrupt,
    existing_file,
    place_of,
    python_of,
    require_function,
    split_target,
)
from server.cli.output import GOOD, NOT_GOOD, ProgressLine, emit_json, note, page, ratio_text
from server.engine_client import connect_or_start
from server.model import model_of


def optimize(
    context: typer.Context,
    target: str | None = typer.Argument(None, help="PATH or PATH::QUALNAME."),
    inputs: str | None = typer.Option(
        None, "--inputs", help="FILE.py that defines inputs() yielding (args, kwargs)."
    ),
    workload: str | None = typer.Option(
        None, "--workload", help='Command that exercises the code, as one word: "python main.py".'
    ),
    apply: bool = typer.Option(False, "--apply", help="Write what was proved."),
    strategy: str | None = typer.Option(None, "--strategy", help="beam or best-of-n."),
    budget: int | None = typer.Option(
        None, "--budget", help="Candidates that may be evaluated for one function."
    ),
    width: int = typer.Option(1, "--width", min=1, help="Beam width."),
    depth: int = typer.Option(4, "--depth", min=1, help="Beam depth."),
    examples: int = typer.Option(8, "--examples", min=1, help="Retrieved examples for one step."),
    model: str | None = typer.Option(None, "--model", help="A model in litellm's form."),
    api_base: str | None = typer.Option(None, "--api-base", help="URL of an OpenAI-like server."),
    model_timeout: float | None = typer.Option(
        None, "--model-timeout", help="Seconds to wait for one answer of the model."
    ),
    python: str | None = typer.Option(None, "--python", help="The interpreter to run under."),
    rounding: float | None = typer.Option(
        None, "--rounding", help="Largest relative difference of floats that counts as equal."
    ),
    timeout: float = typer.Option(600.0, "--timeout", help="Seconds for one run of the workload."),
    allow_unsandboxed: bool = typer.Option(
        False, "--allow-unsandboxed", help="Run a model's code even where there is no sandbox."
    ),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON value."),
) -> int:
    """Prove edits that make functions faster: PATH[::QUALNAME], or -- COMMAND to find them."""
    words = tuple(context.obj) if context.obj else tuple(shlex.split(workload or ""))
    path, function = split_target(target) if target else (None, None)
    if path is None and not words:
        raise InputError(
            "nothing to optimize",
            code="target-missing",
            mend="give PATH, PATH::QUALNAME, or a command: hasten optimize -- python main.py",
        )
    if inputs and not function:
        raise InputError(
            f"--inputs {inputs} needs a function",
            code="inputs-need-function",
            mend="name it: PATH::QUALNAME",
        )
    if inputs and words:
        raise InputError(
            "--inputs and a workload exclude each other", code="usage", mend="give one of them"
        )
    place = place_of(
        path or Path.cwd(),
        {"model": model, "api_base": api_base, "model_timeout": model_timeout,
         "strategy": strategy, "budget": budget, "rounding": rounding},
    )  # fmt: skip
    if path and function:
        require_function(read_source(path).text, path, function)
    if not words and not inputs and place.settings.workload and not function:
        words = tuple(shlex.split(place.settings.workload))
    spec = OptimizeSpec(
        workspace=str(place.workspace),
        path=str(path) if path else None,
        function=function,
        python=str(python_of(place, python).path),
        inputs_file=str(existing_file(inputs)) if inputs else None,
        workload=words or None,
        cwd=str(Path.cwd()),
        strategy=place.settings.strategy,
        budget=place.settings.budget,
        width=width,
        depth=depth,
        examples=examples,
        model=model_of(place.settings),
        rounding=place.settings.rounding,
        allow_unsandboxed=allow_unsandboxed,
        workload_timeout_s=timeout,
        ignore=place.settings.ignore,
    )
    with cancel_on_interrupt() as cancel, ProgressLine() as progress:
        outcome = asyncio.run(_run(place.workspace, spec, progress, cancel))
    applied = apply_suggestions(outcome.suggestions, place.workspace) if apply else ()
    if as_json:
        emit_json(outcome_json(outcome))
    else:
        _print(outcome, place.workspace, applied=bool(applied))
    return GOOD if outcome.suggestions else NOT_GOOD


async def _run(
    workspace: Path, spec: OptimizeSpec, progress: ProgressLine, cancel: CancelToken
) -> Outcome:
    """Run one job in the engine, and cancel it there when the user cancels here."""
    client = await connect_or_start(workspace)
    try:
        job = asyncio.ensure_future(client.optimize(spec, progress))
        while not job.done():
            await asyncio.wait({job}, timeout=0.1)
            if cancel.cancelled:
                job.cancel()
                with contextlib.suppress(asyncio.CancelledError, Cancelled):
                    await job
                raise Cancelled
        return job.result()
    finally:
        await client.close()


def outcome_json(outcome: Outcome) -> dict[str, Any]:
    """The contract of `optimize --json`."""
    return to_json(outcome)


def _print(outcome: Outcome, workspace: Path, *, applied: bool) -> None:
    out = page()
    for s in outcome.suggestions:
        _print_diff(out, s, workspace)
    if outcome.suggestions:
        out.print(_table(outcome, workspace))
    if outcome.rejected:
        out.print("[dim]tried and not offered:[/]")
        for r in outcome.rejected:
            out.print(
                f"  {r.function}: {r.title} - {r.stage}: {r.reason}", markup=False, style="dim"
            )
    if not outcome.suggestions:
        out.print("no edit was proved faster; nothing is offered")
    if outcome.run:
        out.print(f"whole run: [bold]{outcome.run.before_s:.1f} s → {outcome.run.after_s:.1f} s[/]")
    for text in outcome.notes:
        note(text)
    if outcome.suggestions and not applied:
        ids = " ".join(s.id for s in outcome.suggestions)
        out.print(f"nothing was changed; to apply: hasten apply {ids}", markup=False)
    elif applied:
        out.print("applied; `hasten undo` takes it back", markup=False)


def _table(outcome: Outcome, workspace: Path) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("id", "function", "edit", "faster (95 %)", "equality", "inputs"):
        table.add_column(name)
    for s in outcome.suggestions:
        where = f"{os.path.relpath(s.path, workspace)}::{s.function}"
        titles = "\n".join(rung.title for rung in s.edits)
        used = f"{s.receipt.inputs.count} {s.receipt.inputs.source}"
        table.add_row(s.id, where, titles, ratio_text(s.ratio, s.interval), s.equality, used)
    return table


def _print_diff(out: Console, suggestion: Suggestion, workspace: Path) -> None:
    source = read_source(Path(suggestion.path))
    name = os.path.relpath(suggestion.path, workspace)
    after = apply_replacements(source.text, suggestion.replacements)
    lines = difflib.unified_diff(
        source.text.splitlines(), after.splitlines(), f"a/{name}", f"b/{name}", lineterm=""
    )
    out.print(Syntax("\n".join(lines), "diff", background_color="default"))
