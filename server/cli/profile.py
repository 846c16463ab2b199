"""`hasten profile -- CMD` and `hasten hot`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cattrs
import typer

from analysis.errors import InputError
from analysis.hotspots import HotSpot, hot_spots
from analysis.profiles.load import load_profile
from analysis.profiles.store import (
    captures_folder,
    memory_folder,
    newest_profile,
    profiles_folder,
    read_sidecar,
)
from benchmark_runner.recording.profiling import Profiler, attach, record_memory, record_time
from benchmark_runner.recording.record import capture_inputs
from benchmark_runner.recording.sampling import RATE
from hasten.paths import state_dir
from server.cli.common import Place, cancel_on_interrupt, place_of, python_of, usable_state
from server.cli.output import (
    GOOD,
    NOT_GOOD,
    ProgressLine,
    counted,
    emit_json,
    note,
    page,
    shown,
)

CAPTURED_FUNCTIONS = 10
_ROWS = 20


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
    """Run a Python command under a profiler and show what is hot: hasten profile -- CMD."""
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
    captures = {}
    with cancel_on_interrupt() as cancel, ProgressLine() as progress:
        if interpreter is None:
            assert pid is not None
            run = attach(
                pid, profiles_folder(state), workspace=place.workspace, duration_s=duration,
                rate=rate, native=native, progress=progress, cancel=cancel,
            )  # fmt: skip
        elif memory:
            run = record_memory(
                command, cwd, memory_folder(state), workspace=place.workspace,
                python=interpreter.path, timeout_s=timeout, progress=progress, cancel=cancel,
            )  # fmt: skip
        else:
            run = record_time(
                command, cwd, profiles_folder(state), workspace=place.workspace,
                python=interpreter.path, profiler=chosen, rate=rate, native=native,
                timeout_s=timeout, progress=progress, cancel=cancel,
            )  # fmt: skip
        spots = spots_of(run.profile, place)
        targets = [(Path(s.path), s.function) for s in worth_while(spots, place)]
        if capture and targets and interpreter is not None and not memory:
            captures = capture_inputs(
                command, cwd, targets, captures_folder(state), python=interpreter.path,
                timeout_s=timeout, progress=progress, cancel=cancel,
            )  # fmt: skip
    for text in run.notes:
        note(text)
    if as_json:
        emit_json(
            {
                "profile": str(run.profile),
                "profiler": "memray" if memory else _tool_of(run.profile),
                "seconds": run.seconds,
                "notes": list(run.notes),
                "hot": [cattrs.unstructure(s) for s in spots],
                "captured": [
                    {"path": str(path), "function": name, "count": c.count, "skipped": c.skipped}
                    for (path, name), c in captures.items()
                ],
            }
        )
    else:
        print_spots(spots)
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


def hot(
    path: str | None = typer.Argument(None, help="Only functions of this file or folder."),
    profile_file: str | None = typer.Option(
        None,
        "--profile",
        help="A pstats or speedscope file; default: the newest of `hasten profile`.",
    ),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON value."),
) -> int:
    """List hot functions, hottest first."""
    only = Path(path).absolute() if path else None
    if only and not only.exists():
        raise InputError(
            f"{path}: no such file or folder", code="file-missing", mend="check the path"
        )
    place = place_of(only or Path.cwd())
    if profile_file:
        spots = spots_of(Path(profile_file).absolute(), place, only)
    else:
        stored = newest_profile(state_dir(place.workspace))
        if stored is None:
            raise InputError(
                f"{place.workspace}: no profile yet",
                code="profile-missing",
                mend="run `hasten profile -- python YOUR_PROGRAM.py`, or give --profile FILE",
            )
        spots = spots_of(stored.path, place, only)
    if as_json:
        emit_json([cattrs.unstructure(s) for s in spots])
    else:
        print_spots(spots)
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


def spots_of(file: Path, place: Place, only: Path | None = None) -> tuple[HotSpot, ...]:
    """Hot spots of a profile, hottest first; its sidecar, if it has one, tells what is stale."""
    stored = read_sidecar(file.with_suffix(".json"))
    known = stored.fingerprints if stored and stored.path == file else None
    profile = load_profile(file, place.workspace)
    return hot_spots(
        profile, place.workspace, only=only, fingerprints=known, ignore=place.settings.ignore
    )


def worth_while(spots: Sequence[HotSpot], place: Place) -> list[HotSpot]:
    """The few hottest spots that are worth capturing inputs for."""
    return [s for s in spots if s.worth >= place.settings.min_share][:CAPTURED_FUNCTIONS]


def print_spots(spots: Sequence[HotSpot]) -> None:
    """The table of hot functions for people."""
    out = page()
    if not spots:
        out.print("nothing in this workspace takes a measurable share of the run")
        return
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("worth", "self", "total"):
        table.add_column(name, justify="right")
    table.add_column("function", overflow="fold")
    table.add_column("line", justify="right", style="dim")
    for s in spots[:_ROWS]:
        function = Text(f"{shown(s.path)}::{s.function}")
        if s.stale:
            function.append(" (changed since)", "yellow")
        shares = (f"{share:.1%}" for share in (s.worth, s.self_share, s.total_share))
        table.add_row(*shares, function, str(s.line))
    out.print(table)
    if len(spots) > _ROWS:
        out.print(f"and {len(spots) - _ROWS} more: --json has them all", style="dim")
