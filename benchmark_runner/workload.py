"""Nouns of a function workload: which function, in which version of the files, on which inputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

InputSource = Literal["file", "captured", "tests", "generated"]
Origin = Literal["rule", "user", "model"]
"""Who made a candidate. At L0 only candidates of our own rules run."""


@dataclass(frozen=True)
class Version:
    """Texts that stand in for files on disk; every file not named is read from disk.

    A worker loads `files` under their own paths, module names and packages, so that neighbours
    which import them get the version under test.
    """

    files: tuple[tuple[str, str], ...] = ()

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


Inputs = InputsFile | CapturedInputs | GeneratedInputs


@dataclass(frozen=True)
class FunctionWorkload:
    """One function to prove versions of.

    `path` is the file as it is known to its neighbours (BEFORE's path), absolute. `function` is a
    Python `__qualname__`; a nested one is called through its outermost enclosing function.
    `before` is the version that candidates are judged against.
    """

    path: Path
    function: str
    before: Version
    inputs: Inputs

    @property
    def called(self) -> str:
        """The qualified name that is really called: nested functions go through their parent."""
        return self.function.split(".<locals>", 1)[0]
