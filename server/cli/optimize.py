"""`hasten optimize`: find, prove and show edits; nothing changes without --apply."""

from __future__ import annotations

import asyncio
import contextlib
import os
import stat
import sys
from pathlib import Path
from typing import Any

import typer

from analysis.errors import Cancelled, InputError
from analysis.languages import PYTHON, language_of
from analysis.progress import CancelToken
from analysis.source import read_source
from optimizer.engine.protocol import OptimizeSpec
from optimizer.suggestion import Outcome, to_json
from server.cli.apply import apply_suggestions, require_memory
from server.cli.common import (
    cancel_on_interrupt,
    existing_cases,
    existing_file,
    place_of,
    python_of,
    require_function,
    split_command,
    split_target,
)
from server.cli.outcome import diff_of, print_outcome
from server.cli.output import GOOD, NOT_GOOD, ProgressLine, emit_json, note
from server.engine_client import engine
from server.model import model_of
from server.workloads import require_command, workload_fields


def optimize(
    context: typer.Context,
    target: str | None = typer.Argument(None, help="PATH or PATH::QUALNAME."),
    inputs: str | None = typer.Option(
        None, "--inputs", help="FILE.py that defines inputs() yielding (args, kwargs)."
    ),
    cases: str | None = typer.Option(
        None, "--cases", help="NAME.in and NAME.out in a FOLDER, or a .jsonl: prove a program."
    ),
    only_cases: bool = typer.Option(
        False, "--only-cases", help="Make no further cases from the given ones."
    ),
    build: str | None = typer.Option(
        None, "--build", help='Builds a C or C++ file: "g++ -O2 {source} -o {out}".'
    ),
    command: bool = typer.Option(
        False, "--command", help="Prove by the project's own test and benchmark commands."
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
    model_tokens: int | None = typer.Option(
        None, "--model-tokens", help="Most tokens of one answer of the model."
    ),
    python: str | None = typer.Option(None, "--python", help="The interpreter to run under."),
    rounding: float | None = typer.Option(
        None,
        "--rounding",
        min=0.0,
        max=1.0,
        help="Largest relative difference of floats that counts as equal.",
    ),
    cluster: str | None = typer.Option(
        None, "--cluster", help="A dask scheduler whose workers judge candidates."
    ),
    timeout: float = typer.Option(600.0, "--timeout", help="Seconds for one run of the workload."),
    allow_unsandboxed: bool = typer.Option(
        False, "--allow-unsandboxed", help="Run a model's code even where there is no sandbox."
    ),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON value."),
) -> int:
    """Prove edits that make functions faster: PATH[::QUALNAME], or -- COMMAND to find them."""
    words = tuple(context.obj or ())
    if workload is not None:
        if words:
            raise InputError(
                "--workload and a command behind two dashes exclude each other",
                code="usage",
                mend="give one of them",
            )
        words = split_command(workload)
    path, function = split_target(target) if target else (None, None)
    _refuse_what_clashes(path, function, inputs, words, cases, by_command=command)
    place = place_of(
        path or Path.cwd(),
        {"model": model, "api_base": api_base, "model_timeout": model_timeout,
         "model_tokens": model_tokens,
         "strategy": strategy, "budget": budget, "cluster": cluster, "rounding": rounding,
         "program_only_cases": only_cases or None, "program_build": build},
    )  # fmt: skip
    if path and function:
        function = require_function(read_source(path).text, path, function).qualname
    if command:
        require_command(place.settings, place.workspace, trusted=place.trusted)
    by_calls = not (cases or command) and (path is None or language_of(path) is PYTHON)
    if by_calls and not words and not inputs and place.settings.workload and not function:
        words = split_command(place.settings.workload)
    if apply:
        require_memory()  # a search whose edits could not be taken back again would be for nothing
    fields = workload_fields(place.settings)
    if cases:
        fields["cases"] = str(existing_cases(cases))
    stdin, stdin_start = _standard_input() if words else (None, 0)
    spec = OptimizeSpec(
        workspace=str(place.workspace),
        path=str(path) if path else None,
        function=function,
        python=str(python_of(place, python).path),
        inputs_file=str(existing_file(inputs)) if inputs else None,
        workload=words or None,
        cwd=str(Path.cwd()),
        stdin=stdin,
        stdin_start=stdin_start,
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
        kind="program" if cases else "command" if command else None,
        **fields,
    )
    with cancel_on_interrupt() as cancel, ProgressLine() as progress:
        outcome = asyncio.run(_run(place.workspace, spec, progress, cancel))
    diffs = () if as_json else [diff_of(s) for s in outcome.suggestions]
    offers = [(place.workspace, suggestion) for suggestion in outcome.suggestions]
    applied = apply_suggestions(offers) if apply else ()
    if as_json:
        emit_json(outcome_json(outcome))
    else:
        print_outcome(outcome, diffs, applied=bool(applied), spec=spec)
    return GOOD if outcome.suggestions else NOT_GOOD


def _refuse_what_clashes(
    path: Path | None,
    function: str | None,
    inputs: str | None,
    words: tuple[str, ...],
    cases: str | None,
    *,
    by_command: bool,
) -> None:
    """Raise InputError for flags that make no sense together."""
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
    if sum(map(bool, (cases, by_command, inputs))) > 1 or (words and (cases or by_command)):
        raise InputError(
            "--cases, --command, --inputs and a workload exclude each other",
            code="usage",
            mend="give one of them",
        )


def _standard_input() -> tuple[str | None, int]:
    """Where the engine finds what the workload reads, and from which byte on.

    The engine is a process of its own, which opens it anew through ours: a file also where its name
    is gone, a pipe also where its writer has ended. From a terminal the workload reads nothing: it
    runs several times. Linux opens no socket that way.
    """
    try:
        mode = os.fstat(0).st_mode
        start = os.lseek(0, 0, os.SEEK_CUR) if stat.S_ISREG(mode) else 0
    except OSError:
        return None, 0
    path = f"/proc/{os.getpid()}/fd/0"
    if stat.S_ISSOCK(mode):
        note("standard input is a socket: the workload reads nothing (redirect a file: < FILE)")
    usable = (stat.S_ISREG(mode) or stat.S_ISFIFO(mode)) and sys.stdin is not None
    return (path, start) if usable and Path(path).exists() else (None, 0)


async def _run(
    workspace: Path, spec: OptimizeSpec, progress: ProgressLine, cancel: CancelToken
) -> Outcome:
    """Run one job in the engine, and cancel it there when the user cancels here."""

    async def work() -> Outcome:
        async with engine(workspace) as client:
            return await client.optimize(spec, progress)

    job = asyncio.ensure_future(work())
    while not job.done():
        await asyncio.wait({job}, timeout=0.1)
        if cancel.cancelled:
            job.cancel()
            with contextlib.suppress(asyncio.CancelledError, Cancelled):
                await job
            raise Cancelled
    return job.result()


def outcome_json(outcome: Outcome) -> dict[str, Any]:
    """The contract of `optimize --json`."""
    return to_json(outcome)
