"""`hasten profile -- CMD`; `hasten profile diff` is in profile_diff.py."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import cattrs
import typer

from analysis.errors import InputError
from analysis.hotspots import HotSpot
from analysis.profiles.store import captures_folder, profiles_folder
from benchmark_runner.recording.record import capture_inputs, record_profile
from server.cli import profile_diff
from server.cli.common import Place, cancel_on_interrupt, place_of, python_of, usable_state
from server.cli.hot import print_spots, ranking_of
from server.cli.output import GOOD, NOT_GOOD, ProgressLine, counted, emit_json, note

CAPTURED_FUNCTIONS = 10


app = typer.Typer(add_completion=False, rich_markup_mode=None)
app.command("diff")(profile_diff.diff)


@app.callback(invoke_without_command=True)
def profile(
    context: typer.Context,
    python: str | None = typer.Option(None, "--python", help="The interpreter to run under."),
    timeout: float = typer.Option(600.0, "--timeout", help="Seconds after which CMD is ended."),
    capture: bool = typer.Option(
        True, "--capture/--no-capture", help="Run once more to capture inputs of hot functions."
    ),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON value."),
) -> int:
    """Run a Python command under a profiler and show what is hot: hasten profile -- CMD.

    Two profiles are compared by: hasten profile diff BEFORE AFTER.
    """
    if context.invoked_subcommand is not None:
        return GOOD
    command = require_command(context.obj, "profile")
    cwd = Path.cwd()
    place = place_of(cwd)
    interpreter = python_of(place, python)
    state = usable_state(place.workspace)
    out = profiles_folder(state) / f"{time.time_ns()}.pstats"
    out.parent.mkdir(parents=True, exist_ok=True)
    with cancel_on_interrupt() as cancel, ProgressLine() as progress:
        run = record_profile(
            command, cwd, out, workspace=place.workspace, python=interpreter.path,
            timeout_s=timeout, progress=progress, cancel=cancel,
        )  # fmt: skip
        spots = ranking_of(out, place, progress, cancel).spots
        targets = [(Path(s.path), s.function) for s in worth_while(spots, place)]
        captures = {}
        if capture and targets:
            captures = capture_inputs(
                command, cwd, targets, captures_folder(state), python=interpreter.path,
                timeout_s=timeout, progress=progress, cancel=cancel,
            )  # fmt: skip
    if as_json:
        emit_json(
            {
                "profile": str(out),
                "seconds": run.seconds,
                "hot": [cattrs.unstructure(s) for s in spots],
                "captured": [
                    {"path": str(path), "function": name, "count": c.count, "skipped": c.skipped}
                    for (path, name), c in captures.items()
                ],
            }
        )
    else:
        print_spots(spots, place)
        for (_, name), c in captures.items():
            note(
                f"{name}: {counted(c.count, 'call')} captured"
                + (f", {c.skipped} skipped" if c.skipped else "")
                + (f" ({c.reason})" if c.reason else "")
            )
        if spots:
            note("next: hasten optimize PATH::FUNCTION, or `hasten optimize -- CMD` for all of it")
    return GOOD if spots else NOT_GOOD


def require_command(words: Sequence[str] | None, name: str) -> tuple[str, ...]:
    """The command after `--`. Raises InputError when there is none."""
    if not words:
        raise InputError(
            "no command to run",
            code="command-missing",
            mend=f"put it behind two dashes: hasten {name} -- python main.py",
        )
    return tuple(words)


def worth_while(spots: Sequence[HotSpot], place: Place) -> list[HotSpot]:
    """The few hottest spots that are worth capturing inputs for."""
    return [s for s in spots if s.worth >= place.settings.min_share][:CAPTURED_FUNCTIONS]
