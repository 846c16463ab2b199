"""A claim before the bench: its files in a private folder, what it is run on, and its bench.

Slow side, fast side, tests and generators are all of strangers: without a sandbox nothing of them
is run (`refusal`), and generators of a program's input run in the sandbox of programs.
"""

from __future__ import annotations

import json
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from analysis.errors import InputError
from analysis.functions import function_named
from analysis.progress import CancelToken, Progress
from benchmark_runner.bench import Bench
from benchmark_runner.benches import open_bench
from benchmark_runner.native.cases import Case
from benchmark_runner.native.runner import Runner, interpreted
from benchmark_runner.sandbox.leftovers import own_folder
from benchmark_runner.sandbox.policy import Sandbox
from benchmark_runner.sandbox.probe import not_allowed, probe
from benchmark_runner.workload import (
    FunctionWorkload,
    GeneratedInputs,
    InputsFile,
    NativeWorkload,
    ProgramWorkload,
    Version,
    Workload,
)
from index.importers.claim import Claim
from optimizer.claim_steps import file_name

_PREFIX = "claim-"
_GENERATOR_S = 60.0
_MOST_MADE = 40
_MOST_BYTES = 24 << 20
_PRINT = """

import json as _json
import sys as _sys

for _number, _text in enumerate(inputs()):
    if _number == {most}:
        break
    if isinstance(_text, str):
        _sys.stdout.write(_json.dumps(_text) + "\\n")
        _sys.stdout.flush()
"""


class NothingToRun(InputError):
    """A claim that can't be brought before the bench."""


class Within(CancelToken):
    """A token that is set by another one, and by itself after so many seconds of work."""

    def __init__(self, outer: CancelToken, seconds: float) -> None:
        super().__init__()
        self._outer, self._until = outer, time.monotonic() + seconds

    @property
    def cancelled(self) -> bool:
        """Whether the work was asked to stop, or its time is up."""
        if self._outer.cancelled or time.monotonic() > self._until:
            self.cancel()
        return super().cancelled

    def check(self) -> None:
        """Raise Cancelled if the work was asked to stop or its time is up."""
        if self.cancelled:
            self.cancel()
        super().check()

    def wait(self, seconds: float) -> bool:
        """Sleep for at most `seconds`; True as soon as the work is to stop.

        The time does not count: work only sleeps in line for the machine's clock.
        """
        started = time.monotonic()
        until = started + seconds
        while not self.cancelled and (left := until - time.monotonic()) > 0:
            super().wait(min(left, 0.2))
        self._until += time.monotonic() - started
        return self.cancelled


@dataclass(frozen=True)
class Place:
    """A claim's bench, and the path that its code goes by."""

    bench: Bench
    path: Path

    def version(self, text: str) -> Version:
        """A text of the claim as what the bench judges."""
        return Version.of({self.path: text})


def _private() -> str:
    return rf"{re.escape(str(own_folder()))}/{_PREFIX}\w+/"


def is_private(path: str) -> bool:
    """Whether a path lies in the private folder of a claim."""
    return re.match(_private(), path) is not None


def bare(text: str) -> str:
    """A message without the path of the private folder."""
    return re.sub(_private(), "", text)


def told(text: str) -> str:
    """A reason as it is shown: one line without the private folder, not long."""
    line = bare(text)[:2_000]
    return " ".join("".join(c if c.isprintable() else " " for c in line).split())[:600]


def refusal() -> str | None:
    """Why nothing of a stranger is run on this machine, or None."""
    return not_allowed(probe().level, "model", unsandboxed=False)


@contextmanager
def place_of(
    claim: Claim, python: Path, progress: Progress, cancel: CancelToken, *, only_cases: bool = True
) -> Iterator[Place]:
    """The claim's bench, with its slow side as the original.

    A program is judged by its cases alone with `only_cases`, else on others made from them, too.
    Raises NothingToRun, and what benches raise.
    """
    with tempfile.TemporaryDirectory(prefix=_PREFIX, dir=own_folder()) as name:
        folder = Path(name).resolve()
        (folder / "hasten.toml").write_text("")  # the project ends here
        path = folder / file_name(claim.language)
        path.write_text(claim.slow, "utf-8", newline="")
        workload = _workload(claim, path, python, cancel)
        with open_bench(
            workload, python=python, only_cases=only_cases, progress=progress, cancel=cancel
        ) as bench:
            yield Place(bench, path)


def _workload(claim: Claim, path: Path, python: Path, cancel: CancelToken) -> Workload:
    before = Version.of({path: claim.slow})
    if not claim.function:
        cases = path.with_name("cases.jsonl")
        _write_cases(claim, cases, python, cancel)
        return ProgramWorkload(path=path, before=before, cases=cases)
    for text, side in ((claim.slow, "slow"), (claim.fast, "fast")):
        if function_named(text, str(path), claim.function) is None:
            raise NothingToRun(
                f"the {side} side has no function {claim.function[:80]}",
                code="function-missing",
                mend="name the function that both sides define",
            )
    inputs: InputsFile | GeneratedInputs = GeneratedInputs()
    if claim.inputs_source:
        given = path.with_name("given.py")
        given.write_text(claim.inputs_source, "utf-8", newline="")
        inputs = InputsFile(given)
    if claim.language == "python":
        return FunctionWorkload(path=path, function=claim.function, before=before, inputs=inputs)
    return NativeWorkload(path=path, function=claim.function, before=before, inputs=inputs)


def _write_cases(claim: Claim, cases: Path, python: Path, cancel: CancelToken) -> None:
    """The claim's cases and those that its generator makes. Raises NothingToRun."""
    made = _made(claim, cases.with_name("given.py"), python, cancel) if claim.inputs_source else ()
    rows = [{"input": text, "output": expected} for text, expected in claim.cases]
    rows += [{"input": text} for text in made]
    if not rows:
        raise NothingToRun(
            "a program that comes with no cases and no generator of them"
            + (" that works" if claim.inputs_source else ""),
            code="inputs-none",
            mend="lay its cases beside the file, in a folder test_cases (index.importers.cases)",
        )
    cases.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")


def _made(claim: Claim, script: Path, python: Path, cancel: CancelToken) -> tuple[str, ...]:
    """Texts for standard input, made by the claim's own code in the sandbox of programs."""
    script.write_text(claim.inputs_source + _PRINT.format(most=_MOST_MADE), "utf-8", newline="")
    program = interpreted(python, script, 0)
    with Runner([program], Sandbox(probe().level), cancel) as runner:
        run = runner.run(program, Case("inputs", b""), _GENERATOR_S)
    found: dict[str, None] = {}
    size = 0
    for line in run.out.split(b"\n")[:-1]:  # the last one may be cut off
        try:
            text = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(text, str) and size + len(text) <= _MOST_BYTES:
            size += len(text)
            found[text] = None
    return tuple(found)
