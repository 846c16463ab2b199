"""`hasten verify --command`: a work tree against a commit, by the project's own commands."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from analysis.errors import InputError
from benchmark_runner.project.bench import CommandBench
from benchmark_runner.project.git import commit_of, root_of
from benchmark_runner.project.instrument import words_of
from benchmark_runner.workload import CommandWorkload, Version
from server.cli.common import Place, cancel_on_interrupt, place_of, python_of
from server.cli.output import ProgressLine
from server.cli.verify_function import Judged, Options


@dataclass(frozen=True)
class CommandOptions:
    """Flags of `verify --command`; None where the workspace's settings count."""

    base: str = "HEAD"
    test: str | None = None
    benchmark: str | None = None
    metric: str | None = None
    higher_is_better: bool | None = None
    timeout: float | None = None
    budget: float | None = None
    own_tests: bool = False


def verify_command(folder: Path, given: CommandOptions, options: Options) -> Judged:
    """Judge the work tree that holds `folder` against a commit of it."""
    tree = root_of(folder)
    place = place_of(
        tree,
        {
            "command_test": given.test,
            "command_benchmark": given.benchmark,
            "command_metric": given.metric,
            "command_higher_is_better": given.higher_is_better,
            "command_timeout": given.timeout,
            "command_budget": given.budget,
        },
    )
    workload = workload_of(
        place, tree, Version(commit=commit_of(tree, given.base)), own_tests=given.own_tests
    )
    interpreter = python_of(place, options.python)
    with (
        cancel_on_interrupt() as cancel,
        ProgressLine() as progress,
        CommandBench(
            workload,
            python=interpreter.path,
            allow_unsandboxed=options.allow_unsandboxed,
            progress=progress,
            cancel=cancel,
        ) as bench,
    ):
        receipt = bench.prove(Version(), origin="user")
        return Judged(receipt, workload, bench.as_texts(Version()))


def workload_of(
    place: Place, tree: Path, before: Version, *, own_tests: bool = False
) -> CommandWorkload:
    """The workload that the settings in force describe. Raises InputError."""
    settings = place.settings
    if not settings.command_benchmark:
        untrusted = "" if place.trusted else "; the workspace's own count after `hasten trust`"
        raise InputError(
            f"{tree}: there is no benchmark command",
            code="command-benchmark-missing",
            mend='give --benchmark "...", or `benchmark` in [tool.hasten.command]' + untrusted,
        )
    return CommandWorkload(
        tree=tree,
        before=before,
        benchmark=words_of(settings.command_benchmark),
        test=words_of(settings.command_test) if settings.command_test else None,
        metric=settings.command_metric,
        higher_is_better=settings.command_higher_is_better,
        timeout_s=settings.command_timeout,
        setup=words_of(settings.command_setup) if settings.command_setup else None,
        keep=settings.command_keep,
        own_tests=own_tests,
        budget_s=settings.command_budget,
    )
