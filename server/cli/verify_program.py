"""`hasten verify` of programs with cases (C, C++, Python) and of C and C++ functions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from analysis.errors import InputError
from analysis.source import read_source
from benchmark_runner.native.compilers import SUFFIXES
from benchmark_runner.workload import (
    GeneratedInputs,
    InputsFile,
    NativeWorkload,
    ProgramWorkload,
    Version,
)
from server.cli.common import existing_file, place_of, python_of
from server.cli.verify_function import Judged, Options, judge_any


@dataclass(frozen=True)
class ProgramOptions:
    """What only programs and native functions have."""

    cases: str | None = None
    build: str | None = None
    only_cases: bool = False


def verify_program(before: str, after: str, program: ProgramOptions, options: Options) -> Judged:
    """Judge two versions of a program: the same output on all cases, and truly faster."""
    before_path, after_path = existing_file(before), existing_file(after)
    old, new = read_source(before_path), read_source(after_path)
    workload = ProgramWorkload(
        before_path,
        Version.of({before_path: old.text}),
        existing_place(program.cases or ""),
        program.build,
    )
    python = python_of(place_of(before_path), options.python).path
    changed = Version.of({before_path: new.text})
    return judge_any(workload, changed, python, options, only_cases=program.only_cases)


def is_native(path: str) -> bool:
    """Whether a file's name says that it is C or C++."""
    return SUFFIXES.get(Path(path).suffix, "python") != "python"


def verify_native(
    before: str, after: str, function: str, inputs: str | None, build: str | None, options: Options
) -> Judged:
    """Judge two versions of a C or C++ function: the same results, and truly faster."""
    before_path, after_path = existing_file(before), existing_file(after)
    old, new = read_source(before_path), read_source(after_path)
    source = InputsFile(existing_file(inputs)) if inputs else GeneratedInputs()
    workload = NativeWorkload(
        before_path, function, Version.of({before_path: old.text}), source, build
    )
    python = python_of(place_of(before_path), options.python).path
    return judge_any(workload, Version.of({before_path: new.text}), python, options)


def existing_place(path: str) -> Path:
    """An absolute path of a file or folder. Raises InputError where there is none."""
    place = Path(path).absolute()
    if not place.exists():
        raise InputError(f"{path}: no such file or folder", code="file-missing", mend="check it")
    return place
