"""Builds versions of a file in the build sandbox; each version once in either way.

The original may read its folder. What it included from there is all that a candidate may read:
a candidate can't include the cases, and no `#include "/home/..."` finds anything.
"""

from __future__ import annotations

import re
import shlex
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from analysis.progress import CancelToken
from benchmark_runner.errors import CandidateFailed, WorkloadError
from benchmark_runner.native.compilers import Compiler
from benchmark_runner.receipt import Build
from benchmark_runner.sandbox.build import run_build
from benchmark_runner.sandbox.leftovers import own_folder
from benchmark_runner.sandbox.policy import Sandbox
from benchmark_runner.workload import Version
from hasten.paths import workspace_of

BUILD_S = 60.0
"""Wall seconds that one build may take."""
_SLOW_BUILD = 5.0
"""A candidate's build may take so many times the original's, and 10 s more: work moved to the
compiler is no gain."""
_LEAST_BUILD_S = 10.0
VARIANTS = 3
"""Builds of a version that are timed in turn."""
_SHIFTS = (0, 16, 48)
"""Bytes by which the code of a variant is moved. Where loops lie decides over some per cent of
their speed (Mytkowicz et al. 2009), and a build lies where it lies in every process."""
FRESH = VARIANTS
"""The variant whose automatic variables hold nothing of an earlier call."""
_FRESH_FLAG = "-ftrivial-auto-var-init=pattern"
_BESIDE = "hasten_main.c"
_ERROR = re.compile(r"(fatal error|error|undefined reference|Error):?.*")


@dataclass(frozen=True)
class Built:
    """What a build gave: the file, and the wall seconds it took."""

    path: Path
    seconds: float


@dataclass(frozen=True)
class Bridge:
    """Code of ours around a file under test.

    `ahead` and `behind` are put around its text, `beside` is a file of its own: what the text says
    can't change it.
    """

    ahead: str
    behind: str
    beside: str


class Builds:
    """The builds of one file's versions, in a folder that ends with its context.

    With a `Bridge` a function is built into a program of ours that calls it.
    """

    def __init__(
        self,
        path: Path,
        compiler: Compiler,
        before: Version,
        *,
        sandbox: Sandbox,
        bridge: Bridge | None = None,
        cancel: CancelToken | None = None,
    ) -> None:
        self.path, self.compiler, self._before = path, compiler, before
        self._sandbox, self._bridge = sandbox, bridge
        self._cancel = cancel or CancelToken()
        self.folder = Path(tempfile.mkdtemp(prefix="hasten-build-", dir=own_folder())).resolve()
        self._made: dict[tuple[Version, bool, int], Built | CandidateFailed] = {}
        self._included: list[Path] | None = None

    def __enter__(self) -> Builds:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def included(self) -> tuple[Path, ...]:
        """The project's files that the original includes."""
        self.get(self._before)
        return tuple(self._included or ())

    def get(self, version: Version, *, checked: bool = False, variant: int = 0) -> Built:
        """The build of a version; `variant` only moves its code in memory, or is FRESH.

        Raises CandidateFailed (stage "build"), Cancelled; WorkloadError where it is the original
        that can't be built.
        """
        original = version == self._before
        if not original:
            self.get(self._before, checked=checked)
        known = self._made.get((version, checked, variant))
        if known is None:
            try:
                known = self._build(version, checked, original, variant)
            except CandidateFailed as error:
                known = error
            self._made[version, checked, variant] = known
        if isinstance(known, CandidateFailed):
            if original:
                raise WorkloadError(
                    f"{self.path.name} can't be built: {known.message}",
                    code="build-failed",
                    mend="mend it, or give the command that builds it with --build",
                ) from None
            raise known
        return known

    def _build(self, version: Version, checked: bool, original: bool, variant: int) -> Built:
        place = self.folder / f"{len(self._made)}"
        place.mkdir()
        source = self._write(version, place, variant)
        out = place / "program"
        make = self.compiler.checked if checked else self.compiler.timed
        command = list(make(source, out))
        if self._bridge is not None:
            (place / _BESIDE).write_text(self._bridge.beside, "utf-8")
            command.insert(command.index(str(source)) + 1, str(place / _BESIDE))
        if variant == FRESH:
            command.append(_FRESH_FLAG)
        listing = original and self.compiler.sanitizes
        if listing:
            command += ["-MMD", "-MF", str(place / "included")]
        limit = BUILD_S
        if not original:
            limit = _LEAST_BUILD_S + _SLOW_BUILD * self.get(self._before, checked=checked).seconds
        done = run_build(
            command,
            folder=place,
            readable=self._shown_to_original() if original else self._included or [],
            timeout_s=limit,
            sandbox=self._sandbox,
            cancel=self._cancel,
        )
        if done.timed_out or done.reason:
            limits = f"{limit:.0f} s" if done.timed_out else done.reason
            raise CandidateFailed("build", f"the compiler ran into a limit ({limits})")
        if done.exit_code != 0 or not out.is_file():
            raise CandidateFailed("build", _first_error(done.stderr, source.name))
        if listing and self._included is None:
            self._included = self._listed(place / "included", place)
        return Built(out, done.wall_s)

    def _shown_to_original(self) -> list[Path]:
        """The source's folder and its workspace, where that is not the whole home."""
        root, home = workspace_of(self.path), Path.home()
        narrow = root not in (home, *home.parents)
        return [self.path.parent, root] if narrow else [self.path.parent]

    def _write(self, version: Version, place: Path, variant: int) -> Path:
        """The version's files in the build's folder, as they lie beside the source."""
        text = version.text_of(self.path)
        if text is None:
            text = self.path.read_text("utf-8", "surrogateescape")
        source = place / self.path.name
        if self._bridge is not None:
            text = f"{self._bridge.ahead}{text}{self._bridge.behind}"
        if 0 < variant < VARIANTS:
            text = f'__asm__(".text\\n.skip {_SHIFTS[variant]}, 0x90");\n#line 1\n{text}'
        source.write_text(text, "utf-8", "surrogateescape", newline="")
        for name, other in version.files:
            path = Path(name)
            if path != self.path and path.is_relative_to(self.path.parent):
                copy = place / path.relative_to(self.path.parent)
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_text(other, "utf-8", "surrogateescape", newline="")
        return source

    def _listed(self, listing: Path, place: Path) -> list[Path]:
        """The files that a build's list of dependencies names, but for the source itself."""
        if not listing.is_file():
            return []
        text = listing.read_text("utf-8", "surrogateescape").replace("\\\n", " ")
        names = shlex.split(text.partition(":")[2])
        paths = [Path(name) if name.startswith("/") else place / name for name in names]
        return [path for path in paths if place not in path.parents and path.is_file()]

    def asked(self, version: Version, command: Sequence[str]) -> str:
        """What a tool of the system says of a version's timed build; "" where it fails."""
        built = self.get(version)
        done = run_build(
            [*command, str(built.path)],
            folder=built.path.parent,
            timeout_s=_LEAST_BUILD_S,
            sandbox=self._sandbox,
            cancel=self._cancel,
        )
        return done.stdout if done.exit_code == 0 else ""

    def receipt(self) -> Build:
        """What the receipt tells of the builds."""
        source, out = Path(self.path.name), Path("program")
        own = self.compiler
        sanitizers = ("address", "undefined") if own.sanitizes else ()
        return Build(
            compiler=own.name,
            version=own.version,
            timed=_shown(own.timed(source, out), own),
            checked=_shown(own.checked(source, out), own) if sanitizers else (),
            sanitizers=sanitizers,
        )


def _shown(words: tuple[str, ...], compiler: Compiler) -> tuple[str, ...]:
    """A command without this machine's folders."""
    kept = list(words)
    if "-iquote" in kept:
        at = kept.index("-iquote")
        del kept[at : at + 2]
    return (compiler.name, *kept[1:])


def _first_error(text: str, name: str) -> str:
    """The first line of a compiler's output that tells an error."""
    for line in text.splitlines():
        if _ERROR.search(line):
            return f"it does not compile: {name}{line.partition(name)[2] or ': ' + line}"[:300]
    return f"it does not compile: {text.strip()[:200]}"
