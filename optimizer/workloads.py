"""Which kind of workload proves edits of a function, and that workload."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from analysis.functions import functions_in
from analysis.languages import PYTHON, language_of
from benchmark_runner.workload import (
    CommandWorkload,
    FunctionWorkload,
    GeneratedInputs,
    InputsFile,
    Kind,
    NativeWorkload,
    ProgramWorkload,
    Version,
    Workload,
)
from optimizer.engine.protocol import OptimizeSpec
from optimizer.errors import OptimizeError
from optimizer.targets import Target


def kinds_of(target: Target, spec: OptimizeSpec) -> tuple[Kind, ...]:
    """The kinds to prove a function by, in turn: a later one where the earlier can't call it.

    A file with cases is a program. Else a function is called by itself where its inputs can be had,
    and the project's own commands stand in where there are any. For a language that hasten does not
    run by itself they are the only kind.
    """
    language = language_of(target.path)
    if language.by_commands:
        if spec.kind not in (None, "command") or spec.inputs_file is not None:
            raise _unsupported(
                f"{target.path}: {language.title} is proved by the project's own commands only",
                "leave out cases and inputs",
            )
        return ("command",)
    if spec.kind is not None:
        return (spec.kind,)
    cases = cases_of(target, spec) is not None
    alone: Kind = "function" if language is PYTHON else "native"
    kinds: tuple[Kind, ...] = ("program",) if cases else (alone,)
    if alone == "native" and target.function.name == "main" and spec.command and not cases:
        return ("command",)
    return kinds if spec.command is None or cases else (*kinds, "command")


def cases_of(target: Target, spec: OptimizeSpec) -> Path | None:
    """The cases of the target's file, or None where it is no program with cases.

    Cases that were named for this job count as they are. Those of the settings are for C and C++
    files with a `main`, and for a Python file only where they are named after the file ({stem}).
    """
    if spec.cases is None:
        return None
    path = Path(spec.workspace) / spec.cases.replace("{stem}", target.path.stem)
    if spec.kind == "program":
        return path
    if language_of(target.path) is PYTHON:
        return path if "{stem}" in spec.cases and path.exists() else None
    has_main = any(f.name == "main" for f in functions_in(target.text, str(target.path)))
    return path if has_main and path.exists() else None


def workload_of(
    target: Target, spec: OptimizeSpec, kind: Kind, base: Sequence[tuple[str, str]] = ()
) -> Workload:
    """The workload of that kind. `base` are files that are not as on disk. Raises OptimizeError."""
    files = {Path(p): t for p, t in base}
    before = Version.of({**files, target.path: target.text})
    name = target.function.qualname
    if kind == "program":
        cases = cases_of(target, spec)
        if cases is None:
            raise _unsupported(f"{target.path}: no cases are named", "name them: --cases FOLDER")
        return ProgramWorkload(target.path, before, cases, spec.build, name)
    if kind == "command":
        return _command(target, spec, before)
    if kind == "native":
        if target.function.name == "main":
            raise _unsupported(
                f"{target.path}: main is run as a program, and no cases are named",
                "name them: --cases FOLDER",
            )
        inputs = target.inputs
        if not isinstance(inputs, InputsFile | GeneratedInputs):
            inputs = GeneratedInputs()
        return NativeWorkload(target.path, name, before, inputs, spec.build)
    return FunctionWorkload(target.path, name, before, target.inputs)


def _command(target: Target, spec: OptimizeSpec, before: Version) -> CommandWorkload:
    given = spec.command
    if given is None:
        raise _unsupported(
            f"{target.path}: it is proved by the project's own commands, and none are named",
            "give `test` and `benchmark` in [command] of hasten.toml, or [tool.hasten.command] of"
            " pyproject.toml; those of a workspace count after `hasten trust`",
        )
    tree = Path(spec.workspace)
    if not target.path.resolve().is_relative_to(tree.resolve()):
        raise _unsupported(
            f"{target.path} lies outside of {tree}, whose commands are to be run",
            "name a file of that project",
        )
    return CommandWorkload(
        tree,
        before,
        given.benchmark,
        given.test,
        metric=given.metric,
        higher_is_better=given.higher_is_better,
        timeout_s=given.timeout_s,
        path=target.path,
        function=target.function.qualname,
        setup=given.setup,
        keep=given.keep,
        budget_s=given.budget_s,
    )


def _unsupported(message: str, mend: str) -> OptimizeError:
    return OptimizeError(message, code="workload-unsupported", mend=mend)
