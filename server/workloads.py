"""What the settings in force say of workloads, as the engine is told of it."""

from __future__ import annotations

from typing import TypedDict

from analysis.errors import InputError
from benchmark_runner.project.instrument import words_of
from optimizer.engine.protocol import CommandSpec
from server.settings import Settings


class WorkloadFields(TypedDict):
    """Fields of an OptimizeSpec."""

    cases: str | None
    build: str | None
    only_cases: bool
    command: CommandSpec | None
    cluster: str | None


def workload_fields(settings: Settings) -> WorkloadFields:
    """Cases, build and commands of the settings. Raises InputError for an unusable command."""
    return {
        "cases": settings.program_cases,
        "build": settings.program_build,
        "only_cases": settings.program_only_cases,
        "command": command_of(settings),
        "cluster": settings.cluster,
    }


def command_of(settings: Settings) -> CommandSpec | None:
    """The project's own commands, or None where no benchmark is named."""
    if not settings.command_benchmark:
        return None
    return CommandSpec(
        words_of(settings.command_benchmark),
        words_of(settings.command_test) if settings.command_test else None,
        metric=settings.command_metric,
        higher_is_better=settings.command_higher_is_better,
        timeout_s=settings.command_timeout,
        setup=words_of(settings.command_setup) if settings.command_setup else None,
        keep=settings.command_keep,
        budget_s=settings.command_budget,
    )


def require_command(settings: Settings, where: object, *, trusted: bool) -> None:
    """Raise InputError where proof by the project's commands is asked for, and there are none."""
    if not settings.command_benchmark:
        untrusted = "" if trusted else "; the workspace's own count after `hasten trust`"
        raise InputError(
            f"{where}: there is no benchmark command",
            code="command-benchmark-missing",
            mend="give `test` and `benchmark` in [tool.hasten.command]" + untrusted,
        )
