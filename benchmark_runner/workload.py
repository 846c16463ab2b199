"""Nouns of a workload: what is proved, in which version of the files, on which inputs.

Three kinds: a function (Python; C and C++ through a shared library), a program with cases on
standard input and output, and the commands of a whole project.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

InputSource = Literal["file", "captured", "tests", "generated", "cases", "command", "model"]
Language = Literal["python", "c", "c++"]
Kind = Literal["function", "native", "program", "command"]
Origin = Literal["rule", "user", "model"]
"""Who made a candidate. At L0 only candidates of our own rules run."""


@dataclass(frozen=True)
class Version:
    """Texts that stand in for files on disk; every file not named is read from disk.

    A worker loads `files` under their own paths, module names and packages, so that neighbours
    which import them get the version under test. With `commit` (a full hash), which only the
    commands of a whole project know, files not named are read from that commit of the tree.
    """

    files: tuple[tuple[str, str], ...] = ()
    commit: str | None = None

    @classmethod
    def of(cls, files: Mapping[Path, str]) -> Version:
        """A version from absolute path to whole text."""
        return cls(tuple(sorted((str(path), text) for path, text in files.items())))

    def text_of(self, path: Path) -> str | None:
        """The stand-in text of a file, or None where the file on disk counts."""
        return dict(self.files).get(str(path))


@dataclass(frozen=True)
class InputsFile:
    """`inputs()` in a user's file; it runs sandboxed, afresh in every worker (source "file")."""

    path: Path


@dataclass(frozen=True)
class CapturedInputs:
    """Calls that a real run made; a folder written by `record.capture_inputs`.

    The calls are pickles: only a worker inside the sandbox reads them. Source "captured".
    """

    folder: Path


@dataclass(frozen=True)
class GeneratedInputs:
    """Inputs from type hints, defaults and literals of the code (source "generated")."""

    seed: int = 0


@dataclass(frozen=True)
class InputsOfTests:
    """Calls that the project's own tests make (source "tests").

    `calls` is a folder as of CapturedInputs; `tests` the ids of the tests that reach the function.
    """

    calls: CapturedInputs
    tests: tuple[str, ...]


@dataclass(frozen=True)
class ModelCall:
    """One call that a model wrote and the result it expects.

    Canonical bytes (see harness.py) of (args, kwargs) and of the result, plain builtin values.
    """

    call: bytes
    expected: bytes


@dataclass(frozen=True)
class ModelInputs:
    """Calls that a model wrote, where there were no others (source "model")."""

    calls: tuple[ModelCall, ...]


Inputs = InputsFile | CapturedInputs | GeneratedInputs | InputsOfTests | ModelInputs


@dataclass(frozen=True)
class FunctionWorkload:
    """One function to prove versions of.

    `path` is the file as it is known to its neighbours (BEFORE's path), absolute. `function` is a
    Python `__qualname__`; a nested one is called through its outermost enclosing function.
    `before` is the version that candidates are judged against. `tests` are ids of tests of the
    project that every version must pass, beside those that InputsOfTests names.
    """

    path: Path
    function: str
    before: Version
    inputs: Inputs
    tests: tuple[str, ...] = ()

    @property
    def called(self) -> str:
        """The qualified name that is really called: nested functions go through their parent."""
        return self.function.split(".<locals>", 1)[0]


@dataclass(frozen=True)
class NativeWorkload:
    """A C or C++ function that is called through a shared library.

    `function` is "name(argument types)" as in the source, without names of the arguments:
    "sum_of(const double *, size_t)". `build` is a command with {source} and {out}, None for the
    language's default; sanitizers and what a shared library needs are added by the runner.
    """

    path: Path
    function: str
    before: Version
    inputs: InputsFile | GeneratedInputs
    build: str | None = None


@dataclass(frozen=True)
class ProgramWorkload:
    """A program that reads standard input and writes standard output (C, C++, Python).

    `cases` is a folder of NAME.in and NAME.out, one such file, or a .jsonl file whose lines have
    "input" and "output". `function`, where the editor knows one, only names what is searched.
    """

    path: Path
    before: Version
    cases: Path
    build: str | None = None
    function: str = ""


@dataclass(frozen=True)
class CommandWorkload:
    """A project's own test and benchmark commands, on scratch copies of its tree.

    `tree` is the root of the work tree. `before` and candidates are versions of it. `benchmark`'s
    metric is read from what it prints or writes: pytest-benchmark, pyperf, hyperfine, Google
    Benchmark, or plain numbers (`metric` "auto" finds out which; it may also be the path of a file
    in the tree that the benchmark writes). `path` and `function`, where the editor knows them, only
    name what is searched. `timeout_s` is for one run of a command.
    """

    tree: Path
    before: Version
    benchmark: tuple[str, ...]
    test: tuple[str, ...] | None = None
    metric: str = "auto"
    higher_is_better: bool = False
    timeout_s: float = 600.0
    path: Path | None = None
    function: str = ""
    setup: tuple[str, ...] | None = None
    """Run once for each version, before its tests: a build step."""
    keep: tuple[str, ...] = ()
    """Globs of files that git ignores and both versions get as they are on disk (data, modules)."""
    own_tests: bool = False
    """Tests and benchmarks of each version's own; else both versions get those of `before`."""
    budget_s: float = 600.0
    """Seconds that timing may take in all; at least four pairs of runs are needed for a claim."""


Workload = FunctionWorkload | NativeWorkload | ProgramWorkload | CommandWorkload
