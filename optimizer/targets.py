"""Which functions a job is about, how hot they are, and which calls they are proved on."""

from __future__ import annotations

import logging
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from analysis.errors import Cancelled, HastenError
from analysis.functions import Function, function_named, functions_in, near_names
from analysis.hotspots import HotSpot, hot_spots
from analysis.ignore import is_ignored_path
from analysis.languages import PYTHON, language_of
from analysis.profiles.opened import open_profile
from analysis.profiles.store import captures_folder, newest_profile, profiles_folder
from analysis.progress import CancelToken, Progress
from analysis.rules.catalogue import all_rules, find
from analysis.source import read_source
from benchmark_runner.inputs.from_tests import find_tests
from benchmark_runner.recording.record import (
    Capture,
    capture_inputs,
    record_profile,
    stored_capture,
)
from benchmark_runner.recording.standard_input import StandardInput
from benchmark_runner.workload import (
    CapturedInputs,
    GeneratedInputs,
    Inputs,
    InputsFile,
    Version,
)
from optimizer.engine.protocol import OptimizeSpec
from optimizer.errors import OptimizeError
from optimizer.repair import Repaired, is_left_out, repair
from optimizer.suggestion import Rejection

logger = logging.getLogger(__name__)

TESTS_S = 20.0
"""Wall seconds that looking for tests of one function may take."""
MIN_WORTH = 0.02
"""Functions that a fix can save less of the run than this are not searched."""


@dataclass(frozen=True)
class Target:
    """One function to search. `share` is its worth in the last run, 0..1, if one is known."""

    path: Path
    text: str
    function: Function
    share: float | None = None
    inputs: Inputs = field(default_factory=GeneratedInputs)

    @property
    def key(self) -> str:
        """ "path::qualname", as profiles' sidecars write it."""
        return f"{self.path}::{self.function.qualname}"

    @property
    def called(self) -> str:
        """The qualified name that is called: nested functions go through their outermost one."""
        return self.function.qualname.split(".<locals>", 1)[0]


@dataclass
class Plan:
    """The targets of a job, and what was left out and why."""

    targets: list[Target] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class Planner:
    """Finds the targets of one job. Raises InputError and Cancelled.

    `own` is a folder of the job beside the state's captures: what it proves on is linked there,
    since another run may capture anew meanwhile. The workload reads `stdin` in each run, or
    nothing.
    """

    def __init__(
        self,
        spec: OptimizeSpec,
        state: Path,
        progress: Progress,
        cancel: CancelToken,
        own: Path | None = None,
        stdin: StandardInput | None = None,
    ) -> None:
        self._spec, self._state, self._own, self._stdin = spec, state, own, stdin
        self._progress, self._cancel = progress, cancel
        self._workspace = Path(spec.workspace)
        self._texts: dict[Path, str] = {}
        self._repaired: dict[Path, Repaired] = {}
        self._plan = Plan()

    def plan(self) -> Plan:
        """The functions of the job, hottest first, with their inputs."""
        spec = self._spec
        self._require_proposer()
        if spec.function is not None:
            targets = [self._named()]
        elif spec.workload is not None:
            targets = self._hot_in(self._profile_now())
        else:
            targets = self._hot_of_file() or self._all_of_file()
        targets = self._without_overlaps(targets)[: max(1, spec.max_functions)]
        self._plan.targets = self._with_inputs(targets)
        return self._plan

    def _require_proposer(self) -> None:
        """Raise OptimizeError where nobody could propose an edit."""
        path, language = self._spec.path, language_of(self._spec.path or "")
        by_rules = any(language.name in rule.languages for rule in all_rules())
        if path is not None and not by_rules and self._spec.model is None:
            raise OptimizeError(
                f"{path}: there are no rewrite rules for {language.title} yet, and no model is set",
                code="model-needed",
                mend="name a model that proposes edits: --model NAME, or the setting `model`",
            )

    # -- which functions

    def _path(self) -> Path:
        if self._spec.path is None:
            raise OptimizeError(
                "nothing to optimize",
                code="target-missing",
                mend="name a file, a function of it, or a workload",
            )
        return Path(self._spec.path)

    def _text(self, path: Path) -> str:
        """The editor's text where there is one, else the file's. Raises AnalysisError."""
        if path not in self._texts:
            ours = self._spec.path is not None and path == Path(self._spec.path)
            given = self._spec.text if ours else None
            self._texts[path] = read_source(path).text if given is None else given
        return self._texts[path]

    def _loadable(self, path: Path) -> Repaired:
        """The text without what is broken in it. Raises AnalysisError and OptimizeError."""
        if path not in self._repaired:
            found = repair(self._text(path), str(path))
            if found is None:
                raise OptimizeError(
                    f"{path}: has a syntax error",
                    code="syntax-error",
                    mend="mend it: a file that can't be loaded can't be run",
                )
            for line in found.broken:
                self._plan.notes.append(
                    f"{path}: what begins on line {line + 1} has a syntax error and was left out"
                )
            self._repaired[path] = found
        return self._repaired[path]

    def _target(self, path: Path, function: Function, share: float | None = None) -> Target:
        """A target in a text that loads. Raises OptimizeError where it is itself broken."""
        loadable = self._loadable(path)
        same = None
        if not is_left_out(function, loadable):
            same = function_named(loadable.text, str(path), function.qualname)
        if same is None:
            raise OptimizeError(
                f"{path}: {function.qualname} has a syntax error, or shares a class with one",
                code="syntax-error",
                mend="mend it first",
            )
        return Target(path, loadable.text, same, share)

    def _named(self) -> Target:
        path, name = self._path(), self._spec.function or ""
        text = self._text(path)
        function = function_named(text, str(path), name)
        if function is None:
            names = [f.qualname for f in functions_in(text, str(path))]
            near = near_names(names, name)
            raise OptimizeError(
                f"{path}: no function {name!r}",
                code="function-unknown",
                mend=f"functions there: {', '.join(near)}" if near else "it defines no function",
            )
        if function.ignored:
            raise OptimizeError(
                f"{path}: {name} is marked `{language_of(path).ignore}`",
                code="function-ignored",
                mend="remove the comment to have it looked at",
            )
        name = function.qualname
        share = next((s.worth for s in self._stored_spots(path) if s.function == name), None)
        return self._target(path, function, share)

    def _profile_now(self) -> tuple[HotSpot, ...]:
        """Run the workload under the profiler and rank what it shows."""
        spec = self._spec
        out = profiles_folder(self._state) / f"{time.time_ns()}.pstats"
        run = record_profile(
            spec.workload or (), self._cwd(), out, python=Path(spec.python),
            workspace=self._workspace, stdin=self._stdin, timeout_s=spec.workload_timeout_s,
            progress=self._progress, cancel=self._cancel,
        )  # fmt: skip
        self._plan.notes += run.notes
        return self._ranked(run.profile, None if spec.path is None else Path(spec.path))

    def _ranked(self, profile: Path, only: Path | None) -> tuple[HotSpot, ...]:
        opened = open_profile(
            profile, self._workspace, self._state, progress=self._progress, cancel=self._cancel
        )
        return hot_spots(
            opened.profile, self._workspace, only=only, sources=opened.sources,
            fingerprints=opened.stored.fingerprints if opened.stored else None,
            ignore=self._spec.ignore,
        )  # fmt: skip

    def _stored_spots(self, path: Path) -> tuple[HotSpot, ...]:
        """Hot spots of one file by the newest stored profile; none where there is no use of it."""
        stored = newest_profile(self._state)
        if stored is None:
            return ()
        try:
            return self._ranked(stored.path, path)
        except HastenError as error:
            logger.warning("the stored profile is of no use: %s", error.message)
            return ()

    def _hot_of_file(self) -> list[Target]:
        spots = self._stored_spots(self._path())
        return self._hot_in([s for s in spots if not s.stale])

    def _hot_in(self, spots: Sequence[HotSpot]) -> list[Target]:
        found: list[Target] = []
        for spot in spots:
            if spot.worth < MIN_WORTH:
                continue
            # The workload's profile writes real paths, the job names the file as the user did.
            path = self._as_given(Path(spot.path))
            try:
                function = function_named(self._text(path), str(path), spot.function)
                if function is not None and not function.ignored:
                    function = _with_surroundings(self._text(path), function)
                    found.append(self._target(path, function, spot.worth))
            except HastenError as error:
                self._refuse(path, spot.function, "source", error.message)
        return found

    def _as_given(self, path: Path) -> Path:
        if self._spec.path is not None and Path(self._spec.path).resolve() == path.resolve():
            return Path(self._spec.path)
        return path

    def _all_of_file(self) -> list[Target]:
        """Functions that a rule has something to say on, or all of them when there is a model."""
        path = self._path()
        text = self._loadable(path).text
        if is_ignored_path(path, self._spec.ignore, self._workspace):
            raise OptimizeError(
                f"{path} is silenced by the setting `ignore`",
                code="file-ignored",
                mend="name one of its functions, or change the setting",
            )
        functions = [f for f in functions_in(text, str(path)) if not f.ignored]
        if self._spec.model is None:
            found = {f.function for f in find(text, str(path), functions)}
            functions = [f for f in functions if f.qualname in found]
        return [self._target(path, f) for f in functions]

    def _without_overlaps(self, targets: Sequence[Target]) -> list[Target]:
        """Of functions inside one another only the first: two edits of one text would clash."""
        kept: list[Target] = []
        for target in targets:
            around = next((k for k in kept if _overlap(k, target)), None)
            if around is None:
                kept.append(target)
            else:
                self._plan.notes.append(
                    f"{target.function.qualname} was not searched: it shares lines with "
                    f"{around.function.qualname}"
                )
        return kept

    def _refuse(self, path: Path, function: str, stage: str, reason: str) -> None:
        self._plan.rejected.append(Rejection(str(path), function, "the function", stage, reason))

    # -- which inputs

    def _cwd(self) -> Path:
        return Path(self._spec.cwd) if self._spec.cwd else self._workspace

    def _with_inputs(self, targets: list[Target]) -> list[Target]:
        spec = self._spec
        if spec.inputs_file is not None:
            given = InputsFile(Path(spec.inputs_file))
            return [replace(t, inputs=given) for t in targets]
        if not targets or spec.kind in ("program", "command"):
            return targets
        if any(language_of(t.path) is not PYTHON for t in targets):
            return targets  # calls are recorded in Python only
        if spec.workload is not None:
            why = self._stdin.why_not_again() if self._stdin is not None else None
            if why is not None:
                self._plan.notes.append(f"no calls were captured, which takes a second run: {why}")
                return targets
            captured = capture_inputs(
                spec.workload, self._cwd(), [(t.path, t.function.qualname) for t in targets],
                captures_folder(self._state), python=Path(spec.python), stdin=self._stdin,
                timeout_s=spec.workload_timeout_s, progress=self._progress, cancel=self._cancel,
            )  # fmt: skip
            return [self._captured(t, captured) for t in targets]
        return [self._of_tests(self._stored(t)) for t in targets]

    def _of_tests(self, target: Target) -> Target:
        """Without captured calls: those that the project's tests make, where tests name it."""
        if not (self._spec.tests and isinstance(target.inputs, GeneratedInputs)):
            return target
        try:
            found = find_tests(
                self._workspace, target.path, target.function.qualname,
                python=Path(self._spec.python), before=Version.of({target.path: target.text}),
                keep=self._state / "tests", seconds=TESTS_S, only_named=True,
                progress=self._progress, cancel=self._cancel,
            )  # fmt: skip
        except HastenError as error:
            if isinstance(error, Cancelled):
                raise
            self._plan.notes.append(f"{target.function.qualname}: {error.message}")
            return target
        if found.inputs is None:
            return target
        if found.note:
            self._plan.notes.append(f"{target.function.qualname}: {found.note}")
        return replace(target, inputs=found.inputs)

    def _captured(self, target: Target, captured: Mapping[tuple[Path, str], Capture]) -> Target:
        capture = captured.get((target.path, target.function.qualname))
        if capture is not None and capture.count > 0:
            return replace(target, inputs=self._kept(capture.folder))
        why = capture.reason if capture is not None else None
        self._plan.notes.append(
            f"{target.function.qualname}: no call was captured"
            + (f" ({why})" if why else "")
            + ", inputs are generated"
        )
        return target

    def _kept(self, folder: Path) -> CapturedInputs:
        if self._own is None:
            return CapturedInputs(folder)
        link = self._own / folder.name
        if not link.exists():
            shutil.copytree(folder, link, copy_function=os.link)
        return CapturedInputs(link)

    def _stored(self, target: Target) -> Target:
        """Calls that the newest `hasten profile` kept, while the function is still the same."""
        stored = newest_profile(self._state)
        if stored is None:
            return target
        outer = function_named(target.text, str(target.path), target.called)
        for path in dict.fromkeys((target.path, target.path.resolve())):
            known = stored.fingerprints.get(f"{path}::{target.called}")
            capture = stored_capture(captures_folder(self._state), path, target.called)
            if outer is None or known != outer.fingerprint or capture is None:
                continue
            if capture.count > 0:
                return replace(target, inputs=self._kept(capture.folder))
        return target


def _with_surroundings(text: str, function: Function) -> Function:
    """The function; of a nested one the outermost around it, where a rule needs that one's lines.

    What a nested function fills or reads is often set up around it, and no edit may leave the
    function that is searched.
    """
    outer = function_named(text, function.path, function.qualname.split(".<locals>", 1)[0])
    if outer is None or outer.qualname == function.qualname or outer.ignored:
        return function
    functions = functions_in(text, function.path)
    inside = [
        f
        for f in find(text, function.path, functions, only=outer.qualname)
        if function.range.start <= f.range.start and f.range.end <= function.range.end
    ]
    alone = find(text, function.path, functions, only=function.qualname)
    return outer if len(inside) > len(alone) else function


def _overlap(a: Target, b: Target) -> bool:
    if a.path != b.path:
        return False
    return a.function.start < b.function.end and b.function.start < a.function.end
