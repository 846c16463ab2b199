"""The receipt of a command workload."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from benchmark_runner.environment import describe
from benchmark_runner.measuring.decision import Judgement
from benchmark_runner.measuring.statistics import Step
from benchmark_runner.project.instrument import shown
from benchmark_runner.project.metrics import Reading
from benchmark_runner.project.pairs import Runs, summarise
from benchmark_runner.project.trees import is_harness, relative, tree_digest
from benchmark_runner.proof import Diary
from benchmark_runner.receipt import (
    SCHEMA,
    Dependency,
    Environment,
    InputsUsed,
    Level,
    Receipt,
    SandboxReport,
    Verdict,
)
from benchmark_runner.receipts.dependencies import (
    Interpreter,
    dependencies_of,
    source_dependencies,
    tree_dependencies,
)
from benchmark_runner.sandbox.layout import layout_of
from benchmark_runner.sandbox.probe import probe
from benchmark_runner.workload import CommandWorkload, Version


@dataclass(frozen=True)
class Facts:
    """What was proved, where, with what. `digests` are of all files of either version, `changed`
    of those that differ ("" for a file that is gone)."""

    workload: CommandWorkload
    python: Path
    base: Version
    after: Version
    digests: tuple[Mapping[str, str], Mapping[str, str]]
    changed: Mapping[str, str]
    used: InputsUsed
    level: Level
    allowed: bool
    reading: Reading


def _dependencies(facts: Facts, environment: Environment) -> tuple[Dependency, ...]:
    """The base's commit or tree, the benchmark's tool, and the code: the function with what it
    calls, reads and imports where one is named, and all other files that differ."""
    work = facts.workload
    found = [Dependency("tree", work.tree.name, "base tree", tree_digest(dict(facts.digests[0])))]
    if work.before.commit is not None:
        found.append(Dependency("tree", work.tree.name, "base commit", work.before.commit))
    if facts.reading.version:
        found.append(Dependency("library", "", facts.reading.tool, facts.reading.version))
    own: set[str] = set()
    if work.path is not None and work.function:
        own = {relative(work.tree, work.path)}
        if work.path.suffix == ".py":
            libraries = layout_of(facts.python).libraries
            interpreter = Interpreter(facts.python, environment.python_version, libraries)
            found += dependencies_of(work.path, work.function, facts.base, facts.after, interpreter)
        else:
            found += source_dependencies(work.path, facts.base, facts.after)
    others = [n for n in facts.changed if work.own_tests or not is_harness(n)]
    found += tree_dependencies(work.tree, facts.digests, (n for n in others if n not in own))
    return tuple(found)


def make_receipt(
    facts: Facts,
    verdict: Verdict,
    judgement: Judgement,
    timed: tuple[Runs | None, Step, Runs | None],
    diary: Diary,
) -> Receipt:
    """The receipt of a finished proof; ratio and interval are None when nothing was timed."""
    work = facts.workload
    first, step, confirmed = timed
    measured = first is not None and bool(first.pairs)
    measurement = (
        summarise(first, step, confirmed, judgement.reason) if first and measured else None
    )
    line = shown(work.benchmark)
    environment = describe(facts.python)
    return Receipt(
        schema=SCHEMA,
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        path=str(work.path or work.tree),
        function=work.function or line,
        called=line,
        before_sha256=tree_digest(dict(facts.digests[0])),
        after_sha256=tree_digest(dict(facts.digests[1])),
        decision=judgement.decision,
        reason=judgement.reason,
        equality=verdict.equality,
        ratio=measurement.ratio if measurement else None,
        interval=measurement.interval if measurement else None,
        slower_on=first.slower_on() if first and measured else (),
        verdict=verdict,
        measurement=measurement,
        inputs=facts.used,
        sandbox=SandboxReport(facts.level, facts.allowed, probe().missing),
        environment=environment,
        stages=tuple(diary.stages),
        notes=tuple(diary.notes),
        seconds=time.perf_counter() - diary.started,
        kind="command",
        dependencies=_dependencies(facts, environment),
    )
