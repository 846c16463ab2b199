"""The runnable form of a program's versions: built C and C++, or a script under the interpreter."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path
from types import TracebackType

from analysis.progress import CancelToken
from benchmark_runner.interpreters import interpreter_at
from benchmark_runner.native.builds import VARIANTS, Builds
from benchmark_runner.native.compilers import compiler_for, language_of
from benchmark_runner.native.runner import Program, interpreted
from benchmark_runner.receipt import Build, Dependency
from benchmark_runner.sandbox.leftovers import own_folder
from benchmark_runner.sandbox.policy import Sandbox
from benchmark_runner.workload import Language, ProgramWorkload, Version

_HASH_SEEDS = (0, 4242)


class Programs:
    """Makes programs of versions; what it built ends with its context.

    Each version has two forms: the one that is timed, and a checked one (C, C++: with sanitizers;
    Python: under another hash seed). Raises WorkloadError for a workload that can't be built.
    """

    def __init__(
        self, workload: ProgramWorkload, python: Path, sandbox: Sandbox, cancel: CancelToken
    ) -> None:
        self.language: Language = language_of(workload.path)
        self._path, self._python = workload.path, python
        self._builds: Builds | None = None
        self._folder: Path | None = None
        self._scripts: dict[Version, Path] = {}
        if self.language != "python":
            compiler = compiler_for(workload.path, workload.build)
            self._builds = Builds(
                workload.path, compiler, workload.before, sandbox=sandbox, cancel=cancel
            )

    def __enter__(self) -> Programs:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._builds is not None:
            self._builds.__exit__(kind, error, traceback)
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder, self._scripts = None, {}

    @property
    def has_checks(self) -> bool:
        """Whether the checked form tells more than the timed one."""
        return self._builds is None or self._builds.compiler.sanitizes

    def variants(self, version: Version) -> tuple[Program, ...]:
        """Forms of a version that are timed in turn. Raises what `get` raises."""
        if self._builds is None:
            return (self.get(version),)
        return variants_of(self._builds, version)

    def get(self, version: Version, *, checked: bool = False) -> Program:
        """A version to run. Raises CandidateFailed, WorkloadError (the original), Cancelled."""
        if self._builds is None:
            return interpreted(self._python, self._script(version), _HASH_SEEDS[checked])
        built = self._builds.get(version, checked=checked)
        return Program((str(built.path),), sanitized=checked)

    def _script(self, version: Version) -> Path:
        known = self._scripts.get(version)
        if known is None:
            if self._folder is None:
                self._folder = Path(
                    tempfile.mkdtemp(prefix="hasten-program-", dir=own_folder())
                ).resolve()
            place = self._folder / str(len(self._scripts))
            place.mkdir()
            known = self._scripts[version] = place / self._path.name
            text = version.text_of(self._path)
            if text is None:
                text = self._path.read_text("utf-8", "surrogateescape")
            known.write_text(text, "utf-8", "surrogateescape", newline="")
        return known

    def receipt(self) -> Build | None:
        """How it was built; None for Python."""
        return None if self._builds is None else self._builds.receipt()

    def dependencies(self) -> tuple[Dependency, ...]:
        """What a claim rests on beside the cases: the compiler or the interpreter."""
        if self._builds is None:
            interpreter = interpreter_at(self._python)
            version = ".".join(map(str, interpreter.version))
            return (Dependency("interpreter", str(self._python), "cpython", version),)
        return compiler_dependencies(self._builds)


def variants_of(builds: Builds, version: Version) -> tuple[Program, ...]:
    """Builds of a version whose code lies elsewhere; one for what is no known compiler's."""
    count = VARIANTS if builds.compiler.sanitizes else 1
    return tuple(
        Program((str(builds.get(version, variant=variant).path),)) for variant in range(count)
    )


def compiler_dependencies(builds: Builds) -> tuple[Dependency, ...]:
    """The compiler, and the project's files that the original includes."""
    own = builds.compiler
    included = (
        Dependency("include", str(path), path.name, _digest(path)) for path in builds.included
    )
    return (Dependency("compiler", str(own.path), own.name, own.version), *included)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:32]
