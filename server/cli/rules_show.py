"""`hasten rules list` and `explain`: what the rewrite rules are, and what they gain here."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.text import Text

from analysis.errors import InputError
from analysis.rules.base import Rule
from analysis.rules.catalogue import all_rules
from analysis.rules.evidence import Evidence, Gain, load_evidence, load_gains
from benchmark_runner.rule_gains.targets import PYTHON, python_target, tool_target
from hasten.paths import rules_table
from server.cli.common import Place, place_of, python_of
from server.cli.output import GOOD, NOT_GOOD, counted, emit_json, note, page, ratio_text
from server.cli.rules_doc import doc_lines

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

GAINS = {3: "another order of growth", 2: "a large constant factor", 1: "a small constant factor"}
_SHORT = {3: "order of growth", 2: "large", 1: "small"}
_COLUMNS = ("rule", "for", "gain hoped for", "here", "hinted", "good in real code")
_LEFT_OUT_FIRST = ("for", "good in real code", "gain hoped for", "here", "hinted")
"""Columns of a list that is too wide, the least missed first; `explain` says them all."""
_UNBOUNDED = 10_000
_HINTED = {
    "always": "hinted everywhere",
    "hot": "hinted in hot functions only",
    "never": "not hinted: it does not gain here",
}


class Known:
    """What is known of the rules on what runs this workspace's code."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._found: dict[str, tuple[str | None, Evidence]] = {}

    def of_language(self, language: str) -> tuple[str | None, Evidence]:
        """The target that runs a language here (None where there is none), and its evidence.

        Raises InterpreterError and AnalysisError (evidence-damaged).
        """
        if language not in self._found:
            own = python_target(python_of(self._place, None)) if language == PYTHON else None
            target = own or tool_target(language)
            name = target.name if target else None
            self._found[language] = name, load_evidence(name or "none", rules_table())
        return self._found[language]

    def of_rule(self, rule: Rule) -> tuple[str | None, Evidence]:
        """The same for a rule: that of its languages on which it was measured."""
        found = [self.of_language(language) for language in rule.languages]
        return next((one for one in found if one[1].standing(rule.id) != "unknown"), found[0])


def rule_named(rule_id: str) -> Rule:
    """The rule of an id. Raises InputError with ids like it."""
    rules = {rule.id: rule for rule in all_rules()}
    if rule_id in rules:
        return rules[rule_id]
    near = difflib.get_close_matches(rule_id, rules, n=3, cutoff=0.4)
    raise InputError(
        f"{rule_id}: no such rule",
        code="rule-unknown",
        mend=(f"did you mean {' or '.join(near)}? " if near else "") + "`hasten rules list`",
    )


def list_rules(language: str | None, *, as_json: bool) -> int:
    """List the rules, of one language or of all. Raises InputError."""
    languages = sorted({name for rule in all_rules() for name in rule.languages})
    if language is not None and language not in languages:
        raise InputError(
            f"{language}: no rules for this language",
            code="language-unknown",
            mend=f"name one of {', '.join(languages)}",
        )
    known = Known(place_of(Path.cwd()))
    rules = [rule for rule in all_rules() if language is None or language in rule.languages]
    if as_json:
        emit_json([rule_json(rule, *known.of_rule(rule)) for rule in rules])
    else:
        _print_rules(rules, known)
    return GOOD if rules else NOT_GOOD


def explain(rule_id: str, *, as_json: bool) -> int:
    """Show what a rule does and what was measured of it. Raises InputError."""
    rule = rule_named(rule_id)
    target, evidence = Known(place_of(Path.cwd())).of_rule(rule)
    gains = sorted(
        (gain for gain in load_gains(rules_table()) if gain.rule == rule.id),
        key=lambda gain: (gain.case, target_key(gain.target), gain.size),
    )
    if as_json:
        emit_json(
            {
                **rule_json(rule, target, evidence),
                "description": rule.description,
                "doc": inspect.cleandoc(rule.doc),
                "gains": [asdict(gain) for gain in gains],
            }
        )
        return GOOD
    out = page()
    row = rule_json(rule, target, evidence)
    out.print(Text.assemble((rule.id, "bold"), f"  {rule.title}\n"))
    for line in doc_lines(rule.doc, out.width):
        out.print(line, soft_wrap=line.startswith(" "))
    out.print(
        f"\nFor {', '.join(rule.languages)}. Gain hoped for: {GAINS[rule.gain]}. On "
        f"{target or 'this machine'}: {row['standing']}, {_HINTED[row['hinted']]}."
    )
    out.print(precision_text(row["precision"]))
    if gains:
        _print_gains(gains, out)
    else:
        note("nothing was measured of it: hasten rules measure --rule " + rule.id)
    return GOOD


def rule_json(rule: Rule, target: str | None, evidence: Evidence) -> dict[str, Any]:
    """One row of `rules list --json`."""
    precision = evidence.precision(rule.id)
    return {
        "id": rule.id,
        "title": rule.title,
        "languages": list(rule.languages),
        "gain": rule.gain,
        "target": target,
        "standing": evidence.standing(rule.id),
        "hinted": hinted(rule.id, evidence),
        "precision": None
        if precision is None
        else {**asdict(precision), "share": precision.share, "trusted": precision.trusted},
    }


def hinted(rule_id: str, evidence: Evidence) -> str:
    """Where a rule's findings are hinted: "always", "hot" (functions only) or "never"."""
    if evidence.hints(rule_id, hot=False):
        return "always"
    return "hot" if evidence.hints(rule_id, hot=True) else "never"


def precision_text(row: dict[str, Any] | None) -> str:
    """What came of its findings in real code, in one sentence."""
    if row is None:
        return "Its findings in real code were not tried."
    found = counted(row["found"], "finding")
    if not row["tried"]:
        return f"In real code: {found}, none of them could be tried."
    return (
        f"In real code: {found}, {row['tried']} tried, {row['equal']} equal, "
        f"{row['not_slower']} not slower; {row['share']:.0%} were both."
    )


def target_key(name: str) -> tuple[str, list[int]]:
    """Targets in order: "cpython-3.9" before "cpython-3.10"."""
    tool, _, version = name.rpartition("-")
    return tool, [int(part) for part in version.split(".") if part.isdigit()]


def good_text(precision: dict[str, Any] | None) -> str:
    """The share of its findings in real code that was good, "-" where none was tried."""
    if precision is None or not precision["tried"]:
        return "-"
    return f"{precision['share']:.0%} of {precision['tried']}"


def _print_rules(rules: Sequence[Rule], known: Known) -> None:
    rows = []
    for rule in rules:
        row = rule_json(rule, *known.of_rule(rule))
        cells = (
            rule.id, ", ".join(rule.languages), _SHORT[rule.gain], row["standing"],
            row["hinted"], good_text(row["precision"]),
        )  # fmt: skip
        rows.append(dict(zip(_COLUMNS, cells, strict=True)))
    out, columns, left_out = page(), list(_COLUMNS), []
    while len(columns) > 1 and not _fits(_table(columns, rows), out):
        left_out.append(next(name for name in _LEFT_OUT_FIRST if name in columns))
        columns.remove(left_out[-1])
    out.print(_table(columns, rows))
    if left_out:
        note(f"the terminal is too narrow for: {', '.join(left_out)}")
    names = {known.of_rule(rule)[0] for rule in rules}
    here = ", ".join(sorted(name for name in names if name is not None))
    note(f"measured on {here or 'nothing that is here'}; `hasten rules explain ID` says more")


def _table(columns: Sequence[str], rows: Sequence[dict[str, str]]) -> Table:
    """A table without lines; a cell is never broken."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in columns:
        table.add_column(name, no_wrap=True)
    for row in rows:
        table.add_row(*(row.get(name, "") for name in columns))
    return table


def _fits(table: Table, out: Console) -> bool:
    unbounded = out.options.update(max_width=_UNBOUNDED)
    return out.measure(table, options=unbounded).maximum <= out.width


def _print_gains(gains: Sequence[Gain], out: Console) -> None:
    """A table, or where the terminal is too narrow for it a list."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for gain in gains:
        grouped.setdefault((gain.case, gain.target), []).append(gain_text(gain))
    columns = ("case", "target", "small", "middle", "large")
    rows = [dict(zip(columns, (*key, *texts), strict=False)) for key, texts in grouped.items()]
    table = _table(columns, rows)
    if _fits(table, out):
        out.print(table)
        return
    for (case, target), texts in grouped.items():
        out.print(f"{case} on {target}", soft_wrap=True)
        for text in texts:
            out.print(f"  {text}", soft_wrap=True)


def gain_text(gain: Gain) -> str:
    """One measurement as people read it."""
    if not gain.equal:
        return f"n={gain.size} not equal"
    return f"n={gain.size} {ratio_text(gain.ratio, (gain.low, gain.high))}"
