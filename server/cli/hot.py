"""`hasten hot`: what is hot by a profile, why, and what would help."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import cattrs
import typer
from rich.padding import Padding
from rich.text import Text

from analysis.errors import AnalysisError, InputError
from analysis.hotspots import HotSpot, Ranking, rank
from analysis.profiles.opened import Opened, open_profile
from analysis.profiles.store import newest_profile
from analysis.progress import CancelToken
from analysis.source import read_source
from analysis.text import LineIndex
from analysis.worth import share_text
from benchmark_runner.recording.converters import read_profile
from hasten.paths import state_dir
from server.cli.common import Place, cancel_on_interrupt, existing_file, place_of
from server.cli.output import GOOD, NOT_GOOD, ProgressLine, emit_json, note, page, shown

_ROWS = 20
_EXPLAINED = 10
_GONE = 5
_LINES = 5
_CODE_WIDTH = 80
_INDENT = 22


def hot(
    path: str | None = typer.Argument(None, help="Only functions of this file or folder."),
    profile_file: str | None = typer.Option(
        None,
        "--profile",
        help="A profile of any known tool; default: the newest of `hasten profile`.",
    ),
    program: str | None = typer.Option(
        None, "--program", help="What was profiled, for gmon.out and gperftools' files."
    ),
    lines: bool = typer.Option(False, "--lines", help="Show each function's hottest lines."),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON value."),
) -> int:
    """List hot functions, hottest first, and what would help."""
    only = Path(path).absolute() if path else None
    if only and not only.exists():
        raise InputError(
            f"{path}: no such file or folder", code="file-missing", mend="check the path"
        )
    place = place_of(only or Path.cwd())
    file = Path(profile_file).absolute() if profile_file else _newest(place)
    with cancel_on_interrupt() as cancel, ProgressLine(quiet=as_json) as progress:
        ranking = ranking_of(
            file, place, progress, cancel, only, existing_file(program) if program else None
        )
    if as_json:
        emit_json([cattrs.unstructure(s) for s in ranking.spots])
    else:
        print_spots(ranking.spots, place, lines=lines, nothing=_nothing(path, ranking))
    for unread in ranking.unread[:_GONE]:
        note(f"left out, {share_text(unread.worth)} of the run: {unread.why}")
    if ranking.gone:
        _note_gone(ranking.gone)
    return GOOD if ranking.spots else NOT_GOOD


def _newest(place: Place) -> Path:
    stored = newest_profile(state_dir(place.workspace))
    if stored is None:
        raise InputError(
            f"{place.workspace}: no profile yet",
            code="profile-missing",
            mend="run `hasten profile -- python YOUR_PROGRAM.py`, or give --profile FILE",
        )
    return stored.path


def opened(
    file: Path,
    place: Place,
    progress: ProgressLine,
    cancel: CancelToken,
    program: Path | None = None,
) -> Opened:
    """A profile of any known tool with its sources; the command line reads profiles here only.

    `program` is what was profiled, for formats that hold its addresses only.
    """
    return open_profile(
        file, place.workspace, state_dir(place.workspace),
        read=partial(read_profile, program=program), progress=progress, cancel=cancel,
    )  # fmt: skip


def ranking_of(
    file: Path,
    place: Place,
    progress: ProgressLine,
    cancel: CancelToken,
    only: Path | None = None,
    program: Path | None = None,
) -> Ranking:
    """Hot spots of a profile, hottest first, in the files as they are now."""
    found = opened(file, place, progress, cancel, program)
    return rank(
        found.profile, place.workspace, only=only, sources=found.sources,
        fingerprints=found.stored.fingerprints if found.stored else None,
        ignore=place.settings.ignore,
    )  # fmt: skip


def _note_gone(gone: Sequence[HotSpot]) -> None:
    names = ", ".join(f"{s.measured} ({share_text(s.worth)})" for s in gone[:_GONE])
    more = f" and {len(gone) - _GONE} more" if len(gone) > _GONE else ""
    note(f"no longer there, and left out: {names}{more}")


def _nothing(path: str | None, ranking: Ranking) -> str:
    """Where nothing is hot: in what was asked for, as far as it could be read."""
    readable = " that can be read" if ranking.unread else ""
    return f"nothing{readable} in {path or 'this workspace'}"


def print_spots(
    spots: Sequence[HotSpot],
    place: Place,
    *,
    lines: bool = False,
    nothing: str = "nothing in this workspace",
) -> None:
    """The table of hot functions for people, with a sentence for each that is worth it.

    `nothing` says where they were looked for, where there are none.
    """
    out = page()
    if not spots:
        out.print(Text(f"{nothing} takes a measurable share of the run"), soft_wrap=True)
        return
    explained = [s for s in spots if s.worth >= place.settings.min_share][:_EXPLAINED]
    texts: dict[str, LineIndex | None] = {}
    out.print(f"{'worth':>6} {'self':>6} {'total':>6}  function", style="dim")
    for s in spots[:_ROWS]:
        row = Text(f"{s.worth:6.1%} {s.self_share:6.1%} {s.total_share:6.1%}  ")
        out.print(row.append_text(_named(s)), soft_wrap=True)
        if s in explained:
            why = Text(f"{s.why[:1].upper()}{s.why[1:]}", "dim")
            out.print(Padding(why, (0, 0, 0, _INDENT)))
        for line in _hottest(s, texts) if lines else ():
            out.print(Text(" " * _INDENT + line), soft_wrap=True)
    if len(spots) > _ROWS:
        out.print(f"and {len(spots) - _ROWS} more: --json has them all", style="dim")


def _named(spot: HotSpot) -> Text:
    """The function with what must be known of it."""
    function = Text(f"{shown(spot.path)}::{spot.function}").append(f" line {spot.line}", "dim")
    if spot.measured != spot.function:
        function.append(f" (was {spot.measured})", "dim")
    if spot.stale:
        function.append(" (changed since)", "yellow")
    elif spot.unsure:
        function.append(f" (not certain: {spot.unsure})", "yellow")
    return function


def _hottest(spot: HotSpot, texts: dict[str, LineIndex | None]) -> list[str]:
    """The hottest lines of a function as text, those that changed since left out."""
    if spot.path not in texts:
        try:
            texts[spot.path] = LineIndex(read_source(Path(spot.path)).text)
        except AnalysisError:
            texts[spot.path] = None
    index = texts[spot.path]
    found = []
    for line in spot.lines[:_LINES]:
        if index is None or line.line is None or line.line > len(index.starts):
            continue
        code = index.line_text(line.line - 1).strip()[:_CODE_WIDTH]
        found.append(f"{line.line:>6} {share_text(line.total_share):>6}  {code}")
    return found
