"""How `hasten optimize` shows what it found: diffs, a table, what was refused, what to do next."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table
from rich.text import Text

from analysis.source import read_source
from analysis.text import apply_replacements
from optimizer.engine.protocol import OptimizeSpec
from optimizer.suggestion import Outcome, Rejection, Suggestion
from optimizer.words import inputs_words
from server.cli.output import note, page, printable, ratio_text, seconds_text, shown

_COLOURS = {"+": "\x1b[32m", "-": "\x1b[31m", "@": "\x1b[36m"}


def print_outcome(
    outcome: Outcome, diffs: Sequence[str], *, applied: bool, spec: OptimizeSpec
) -> None:
    """Show an outcome to a person; `applied` says that its edits are in the files."""
    out = page()
    for line in "\n".join(diffs).splitlines():
        # A file or a pipe gets the lines as they are, since `patch` takes them.
        line = printable(line) if out.is_terminal else line
        colour = _COLOURS.get(line[:1], "") if out.color_system else ""
        out.file.write(f"{colour}{line}\x1b[0m\n" if colour else f"{line}\n")
    if outcome.suggestions:
        out.print(_table(outcome.suggestions))
    if outcome.rejected:
        out.print("tried and not offered:", style="dim")
        for line in _refusals(outcome.rejected):
            out.print(line, style="dim", soft_wrap=True)
    if not outcome.suggestions:
        out.print("no edit was proved faster; nothing is offered")
    if outcome.run:
        before, after = seconds_text(outcome.run.before_s), seconds_text(outcome.run.after_s)
        out.print(Text.assemble("whole run: ", (f"{before} → {after}", "bold")))
    for text in dict.fromkeys(outcome.notes):
        note(text)
    if not outcome.suggestions:
        for text in _advice(outcome, spec):
            note(text)
    elif applied:
        out.print("applied; `hasten undo` takes it back")
    else:
        ids = " ".join(s.id for s in outcome.suggestions)
        out.print(f"nothing was changed; to apply: hasten apply {ids}", soft_wrap=True)


def _refusals(rejected: Sequence[Rejection]) -> list[str]:
    """One line for each different refusal, in the order of the tries."""
    lines = []
    for r in rejected:
        what = "" if r.title == "the function" else f" {r.title}:"
        lines.append(f"  {shown(r.path)}::{r.function}:{what} {r.reason} [{r.stage}]")
    return list(dict.fromkeys(lines))


def _advice(outcome: Outcome, spec: OptimizeSpec) -> list[str]:
    """What a person can do where nothing was found."""
    advice = []
    if outcome.inputs.count and outcome.inputs.source in ("generated", "model"):
        advice.append(
            "the inputs were made up; calls of a real run may show more: "
            '--workload "python main.py", or --inputs FILE.py'
        )
    if spec.model is None:
        advice.append("only the rules were asked; a model may find more: --model NAME")
    return advice


def _table(suggestions: Sequence[Suggestion]) -> Table:
    """One row each; the function and its edits share a column, so that no name is cut."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("id", no_wrap=True)
    table.add_column("function", overflow="fold")
    table.add_column("faster (95 %)", no_wrap=True)
    table.add_column("proved on", no_wrap=True)
    for s in suggestions:
        function = Text(f"{shown(s.path)}::{s.function}", "bold")
        for rung in s.edits:
            function.append(f"\n  {rung.title}", "not bold")
        ratio, interval = ratio_text(s.ratio, s.interval).split(" ", 1)
        gain = Text(ratio, "bold green").append(f"\n{interval}", "not bold default")
        used = f"{inputs_words(s.receipt.inputs)}\n{s.equality}"
        table.add_row(s.id, function, gain, used)
    return table


def diff_of(suggestion: Suggestion) -> str:
    """A diff that `patch` takes: lines as they are, neither wrapped nor with tabs expanded.

    Read it before the edit is applied.
    """
    text = read_source(Path(suggestion.path)).text
    after = apply_replacements(text, suggestion.replacements)
    name = shown(suggestion.path)
    lines = difflib.unified_diff(
        text.splitlines(), after.splitlines(), f"a/{name}", f"b/{name}", lineterm=""
    )
    return "\n".join(lines)
