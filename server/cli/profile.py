"""`hasten profile -- CMD`; `hasten profile diff` is in profile_diff.py."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cattrs
import typer

from analysis.errors import InputError
from analysis.hotspots import HotSpot
from analysis.profiles.store import captures_folder, memory_folder, profiles_folder
from benchmark_runner.recording.profiling import Profiler, attach, record_memory, record_time
from benchmark_runner.recording.record import capture_inputs
from benchmark_runner.recording.sampling import RATE
from benchmark_runner.recording.standard_input import StandardInput
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
    profiler: str = typer.Option(
        "auto",
        "--profiler",
        help="py-spy, cprofile, or auto: py-spy where it may look into processes.",
    ),
    rate: int = typer.Option(RATE, "--rate", min=1, max=1000, help="py-spy's samples a second."),
    native: bool = typer.Option(
        False, "--native", help="Have py-spy tell the functions of extension modules too."
    ),
    memory: bool = typer.Option(
        False, "--memory", help="Record memory through memray instead of time."
    ),
    pid: int | None = typer.Option(None, "--pid", help="Sample a process that runs already."),
    duration: float = typer.Option(
        10.0, "--duration", min=1.0, help="Seconds to sample a process for, with --pid."
    ),
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
    chosen = _profiler(profiler)
    cwd = Path.cwd()
    place = place_of(cwd)
    command = () if pid is not None else require_command(context.obj, "profile")
    if pid is not None and (context.obj or memory):
        raise InputError(
            "--pid goes with neither a command nor --memory",
            code="usage",
            mend="give --pid PID alone, or a command",
        )
    interpreter = python_of(place, python) if command else None
    state = usable_state(place.workspace)
    captures, left_out = {}, None
    with cancel_on_interrupt() as cancel, ProgressLine() as progress, StandardInput() as stdin:
        if interpreter is None:
            assert pid is not None
            run = attach(
                pid, profiles_folder(state), workspace=place.workspace, duration_s=duration,
                rate=rate, native=native, progress=progress, cancel=cancel,
            )  # fmt: skip
        elif memory:
            run = record_memory(
                command, cwd, memory_folder(state), workspace=place.workspace,
                python=interpreter.path, stdin=stdin, timeout_s=timeout, progress=progress,
                cancel=cancel,
            )  # fmt: skip
        else:
            run = record_time(
                command, cwd, profiles_folder(state), workspace=place.workspace,
                python=interpreter.path, profiler=chosen, rate=rate, native=native,
                stdin=stdin, timeout_s=timeout, progress=progress, cancel=cancel,
            )  # fmt: skip
        spots = ranking_of(run.profile, place, progress, cancel).spots
        targets = [(Path(s.path), s.function) for s in worth_while(spots, place)]
        capture = capture and bool(targets) and interpreter is not None and not memory
        left_out = stdin.why_not_again() if capture else None
        if capture and interpreter is not None and left_out is None:
            captures = capture_inputs(
                command, cwd, targets, captures_folder(state), python=interpreter.path, stdin=stdin,
                timeout_s=timeout, progress=progress, cancel=cancel,
            )  # fmt: skip
    notes = list(run.notes)
    if left_out is not None:
        notes.append(f"inputs were not captured, which takes a second run: {left_out}")
    for text in notes:
        note(text)
    if as_json:
        emit_json(
            {
                "profile": str(run.profile),
                "profiler": "memray" if memory else _tool_of(run.profile),
                "seconds": run.seconds,
                "notes": notes,
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
        if spots and not memory:
            note("next: hasten optimize PATH::FUNCTION, or `hasten optimize -- CMD` for all of it")
    return GOOD if spots else NOT_GOOD


def _profiler(name: str) -> Profiler:
    known: dict[str, Profiler] = {"auto": "auto", "py-spy": "py-spy", "cprofile": "cprofile"}
    if name not in known:
        raise InputError(
            f"--profiler {name}: no such profiler",
            code="usage",
            mend=f"take one of {', '.join(known)}",
        )
    return known[name]


def _tool_of(profile: Path) -> str:
    return "cProfile" if profile.suffix == ".pstats" else "py-spy"


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
