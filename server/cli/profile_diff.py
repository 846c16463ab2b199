"""`hasten profile diff BEFORE AFTER`: two profiles compared, function by function."""

from __future__ import annotations

from pathlib import Path

import cattrs
import typer
from rich.table import Table
from rich.text import Text

from analysis.profiles.compare import Change, Comparison, Cost, Verdict, compare_profiles
from analysis.profiles.model import Unit
from server.cli.common import cancel_on_interrupt, existing_file, place_of
from server.cli.hot import opened
from server.cli.output import GOOD, ProgressLine, emit_json, note, page, shown

_ROWS = 20
_SMALL = 0.001
_STYLES: dict[Verdict, str] = {
    "less": "green", "more": "red", "within noise": "dim", "equal": "dim", "new": "yellow",
    "gone": "yellow",
}  # fmt: skip
_UNITS: dict[Unit, str] = {
    "seconds": "s", "samples": "samples", "bytes": "bytes", "allocations": "allocations",
    "instructions": "instructions",
}  # fmt: skip


def diff(
    before: str = typer.Argument(..., metavar="BEFORE", help="The earlier profile."),
    after: str = typer.Argument(..., metavar="AFTER", help="The later profile."),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON value."),
) -> int:
    """Compare two profiles of any known tools, function by function."""
    files = existing_file(before), existing_file(after)
    place = place_of(Path.cwd())
    with cancel_on_interrupt() as cancel, ProgressLine(quiet=as_json) as progress:
        first, second = (opened(file, place, progress, cancel) for file in files)
        found = compare_profiles(first, second, place.workspace)
    if as_json:
        emit_json(cattrs.unstructure(found))
    else:
        _print(found)
    return GOOD


def _print(found: Comparison) -> None:
    out = page()
    for name, run in (("before", found.before), ("after", found.after)):
        samples = (
            f", about {run.samples:,} samples" if run.samples and run.unit != "samples" else ""
        )
        total = f"{_amount(run.total)} {_UNITS[run.unit]}"
        out.print(f"{name:<6} {shown(run.path)}: {run.tool}, {total}{samples}", soft_wrap=True)
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("before", "after", "difference"):
        table.add_column(column, justify="right")
    table.add_column("function", overflow="fold")
    shown_changes = [c for c in found.changes if _is_worth_a_row(c)][:_ROWS]
    for change in shown_changes:
        table.add_row(
            _cost(change.before, found.unit), _cost(change.after, found.unit),
            Text(_difference(change, found.unit), _STYLES[change.verdict]), _named(change),
        )  # fmt: skip
    out.print(table)
    if more := len(found.changes) - len(shown_changes):
        out.print(f"and {more} more: --json has them all", style="dim")
    for text in found.notes:
        note(text)


def _is_worth_a_row(change: Change) -> bool:
    return any(c is not None and c.total_share >= _SMALL for c in (change.before, change.after))


def _cost(cost: Cost | None, unit: Unit | None) -> str:
    if cost is None:
        return "-"
    share = f"{cost.direct_share:.1%}"
    return share if unit is None else f"{_amount(cost.direct_cost)} {_UNITS[unit]} {share:>6}"


def _difference(change: Change, unit: Unit | None) -> str:
    if change.verdict in ("within noise", "equal"):
        return change.verdict
    if unit is None:
        return f"{change.difference * 100:+.1f} points"
    sign = "+" if change.difference > 0 else "-"
    return f"{sign}{_amount(abs(change.difference))} {_UNITS[unit]}"


def _amount(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def _named(change: Change) -> Text:
    """The function with what became of it."""
    text = Text(f"{shown(change.path)}::{change.function}")
    if change.name_before != change.function:
        text.append(f" (was {change.name_before})", "dim")
    if change.verdict in ("new", "gone"):
        text.append(f" ({change.verdict})", "yellow")
    elif change.code == "changed":
        text.append(" (edited)", "dim")
    return text
