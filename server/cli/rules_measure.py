"""`hasten rules measure`: what each rule gains on interpreters and compilers of this machine."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from analysis.errors import InputError
from analysis.rules.cases import all_cases
from benchmark_runner.interpreters import interpreter_at
from benchmark_runner.rule_gains.run import Job, Ledger, Outcome, jobs_for, measure_all
from benchmark_runner.rule_gains.targets import (
    PYTHON,
    Target,
    all_targets,
    python_target,
    tool_target,
)
from hasten.paths import rules_table
from server.cli.common import cancel_on_interrupt, place_of, python_of
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
from server.cli.rules_show import gain_text, rule_named

_MOST_AT_ONCE = 4


@dataclass(frozen=True)
class Asked:
    """What the command line says of a measurement."""

    rules: Sequence[str]
    pythons: Sequence[str]
    targets: str | None
    out: str | None
    again: bool
    at_once: int | None


def measure(asked: Asked, *, as_json: bool) -> int:
    """Measure what the table has not yet, and keep it there. Raises InputError and Cancelled."""
    rules = {rule_named(name).id for name in asked.rules}
    cases = [case for case in all_cases() if not rules or case.rule in rules]
    languages = {case.language for case in cases} if rules else {PYTHON}
    chosen = _targets(asked.pythons, asked.targets, languages)
    table = Path(asked.out).absolute() if asked.out else rules_table()
    ledger = Ledger(table, chosen, all_cases())
    jobs = jobs_for(cases, chosen)
    todo = [job for job in jobs if asked.again or not ledger.has(job)]
    cores = min(len(os.sched_getaffinity(0)), _MOST_AT_ONCE)
    outcomes: list[Outcome] = []

    def keep(outcome: Outcome) -> None:
        ledger.add(outcome)
        outcomes.append(outcome)
        if not as_json:
            _print(outcome)

    with cancel_on_interrupt() as cancel, ProgressLine() as progress:
        measure_all(todo, keep, at_once=asked.at_once or cores, progress=progress, cancel=cancel)
    if as_json:
        emit_json(_json(table, jobs, todo, outcomes))
    else:
        _say(table, jobs, todo, outcomes)
    return GOOD if len(todo) < len(jobs) or any(o.gains for o in outcomes) else NOT_GOOD


def _targets(python: Sequence[str], names: str | None, languages: set[str]) -> list[Target]:
    """What to measure on. Raises InterpreterError, and InputError for a name that is not here."""
    found = {}
    for path in python:
        target = python_target(interpreter_at(Path(path).expanduser().absolute()))
        found[target.name] = target
    if names is None and found:
        return list(found.values())
    own = python_of(place_of(Path.cwd()), None)
    if names is None:
        target = python_target(own)
        tools = (tool_target(language) for language in sorted(languages - {PYTHON}))
        here = [target] if PYTHON in languages else []
        return [*here, *(tool for tool in tools if tool is not None)]
    every = {target.name: target for target in all_targets(own)}
    for name in every if names == "all" else names.split(","):
        if name not in every:
            raise InputError(
                f"{name}: no such target on this machine",
                code="target-unknown",
                mend=f"name some of {', '.join(every)}, or all",
            )
        found.setdefault(name, every[name])
    return list(found.values())


def _json(
    table: Path, jobs: Sequence[Job], todo: Sequence[Job], outcomes: Sequence[Outcome]
) -> dict[str, Any]:
    return {
        "table": str(table),
        "known": len(jobs) - len(todo),
        "measured": [asdict(gain) for outcome in outcomes for gain in outcome.gains],
        "skipped": [
            {"case": o.job.case.name, "target": o.job.target.name, "reason": o.skipped}
            for o in outcomes
            if o.skipped
        ],
        "short": [
            {"case": o.job.case.name, "target": o.job.target.name, "size": size}
            for o in outcomes
            for size in o.short
        ],
    }


def _print(outcome: Outcome) -> None:
    job = outcome.job
    said = [gain_text(gain) for gain in outcome.gains if gain.equal]
    said += [f"n={size} too short to time" for size in outcome.short]
    said += [outcome.skipped] if outcome.skipped else []
    page().print(f"{job.case.name:32} {job.target.name:13} {'  '.join(said)}", soft_wrap=True)


def _say(
    table: Path, jobs: Sequence[Job], todo: Sequence[Job], outcomes: Sequence[Outcome]
) -> None:
    known, skipped = len(jobs) - len(todo), sum(outcome.skipped is not None for outcome in outcomes)
    if not jobs:
        note("no case of these rules says how it is measured on what is here")
        return
    if known:
        note(f"{counted(known, 'case')} measured before (--again measures anew)")
    if skipped:
        note(f"{counted(skipped, 'case')} skipped")
    note(f"kept in {shown(table)}")
