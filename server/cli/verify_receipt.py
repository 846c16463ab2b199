"""`hasten verify --receipt FILE`: prove again what a receipt claims, and guard it by a test."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from analysis.errors import HastenError, InputError
from analysis.source import read_source
from benchmark_runner.benches import open_bench
from benchmark_runner.interpreters import interpreter_at
from benchmark_runner.receipt import Dependency, Receipt
from benchmark_runner.receipts.dependencies import changes_since
from benchmark_runner.receipts.guard import guard_text
from benchmark_runner.receipts.repeat import Again, read, unpack
from benchmark_runner.workload import CommandWorkload, FunctionWorkload, Version, Workload
from hasten.paths import receipts_dir
from server.cli.common import cancel_on_interrupt, existing_file, place_of, python_of
from server.cli.output import GOOD, NOT_GOOD, ProgressLine, note, page, ratio_text, shown
from server.cli.verify_function import Judged, Options, judge


@dataclass(frozen=True)
class Repetition:
    """A claim and what became of it when it was proved again.

    `changed` says what it rests on and is not as it was; `now` that the file as it is was judged.
    """

    claimed: Receipt
    judged: Judged
    changed: tuple[str, ...]
    now: bool

    @property
    def holds(self) -> bool:
        """Whether the decision is the same again."""
        return self.claimed.decision == self.judged.receipt.decision

    def as_json(self) -> dict[str, Any]:
        """What `--json` adds to the judgement."""
        return {
            "decision": self.claimed.decision,
            "ratio": self.claimed.ratio,
            "interval": list(self.claimed.interval) if self.claimed.interval else None,
            "created": self.claimed.created,
            "holds": self.holds,
            "changed": list(self.changed),
            "now": self.now,
        }

    def print(self) -> int:
        """What a person reads after the new receipt; the exit code."""
        old = self.claimed
        again = "again" if self.holds else "no longer"
        ratio = f", {ratio_text(old.ratio, old.interval)}" if old.ratio is not None else ""
        page().print(
            f"  the receipt of {old.created[:10]} said {old.decision}{ratio}: {again}",
            markup=False,
        )
        for text in self.changed:
            page().print(f"  changed since: {text}", markup=False)
        return GOOD if self.holds else NOT_GOOD


def receipt_file(name: str) -> Path:
    """A receipt by its file, or by the name of a suggestion. Raises InputError."""
    kept = receipts_dir() / f"{name}.json"
    if not Path(name).exists() and name.isalnum() and kept.is_file():
        return kept
    return existing_file(name)


def verify_receipt(name: str, before: str | None, now: bool, options: Options) -> Repetition:
    """Prove a receipt again; `before` says where its file lies here, `now` takes it as it is.

    Raises WorkloadError where the receipt can't be read or does not carry what it takes.
    """
    claimed = read(receipt_file(name))
    moved_to = None if before is None else Path(before).absolute()
    with tempfile.TemporaryDirectory(prefix="hasten-receipt-") as folder:
        again = unpack(claimed, Path(folder), moved_to)
        workload = again.workload
        path = workload.tree if isinstance(workload, CommandWorkload) else workload.path
        if now:
            again = replace(again, after=_as_it_is(again, path))
        python = _interpreter(claimed, path, options)
        known = _moved(claimed.dependencies, Path(claimed.path), path)
        changed = changes_since(known, version_of=_version_of)
        options = replace(options, rounding=again.rounding)
        if isinstance(workload, FunctionWorkload):
            judged = judge(workload, again.after, python, options)
        else:
            judged = _judge(workload, again.after, python, options)
        # While what the receipt carries is still there as files.
        judged = replace(judged, repeat=judged.repeatable(options.rounding).repeat)
    return Repetition(claimed, judged, changed, now)


def _judge(workload: Workload, after: Version, python: Path, options: Options) -> Judged:
    """Prove a version of a program, a C function or a tree, with progress and Ctrl-C."""
    with (
        cancel_on_interrupt() as cancel,
        ProgressLine() as progress,
        open_bench(
            workload,
            python=python,
            allow_unsandboxed=options.allow_unsandboxed,
            rounding=options.rounding,
            progress=progress,
            cancel=cancel,
        ) as bench,
    ):
        return Judged(bench.prove(after, origin="user"), workload, after)


def _as_it_is(again: Again, path: Path) -> Version:
    """The version under test with the file, or the tree, as it lies on the disk."""
    if isinstance(again.workload, CommandWorkload):
        return Version()
    text = read_source(path).text
    others = tuple(pair for pair in again.after.files if pair[0] != str(path))
    return replace(again.after, files=(*others, (str(path), text)))


def _interpreter(claimed: Receipt, path: Path, options: Options) -> Path:
    """The interpreter of the claim, where it is still there; else the user's, and a note."""
    own = Path(claimed.environment.python)
    if options.python is None and own.is_file():
        return own
    found = python_of(place_of(path), options.python)
    version = ".".join(map(str, found.version))
    if version != claimed.environment.python_version:
        note(
            f"the receipt is about CPython {claimed.environment.python_version}, "
            f"this is CPython {version}"
        )
    return found.path


def _version_of(python: Path) -> str:
    try:
        return ".".join(map(str, interpreter_at(python).version))
    except HastenError as error:
        return error.message


def _moved(known: tuple[Dependency, ...], old: Path, new: Path) -> tuple[Dependency, ...]:
    """Dependencies with their paths on this machine, where the file lies elsewhere here."""
    if old == new:
        return known
    while old.name == new.name and old.parent != old:
        old, new = old.parent, new.parent
    root = f"{old}{os.sep}"

    def place(path: str) -> str:
        return str(new / path[len(root) :]) if path.startswith(root) else path

    return tuple(replace(d, path=place(d.path)) for d in known)


def write_guard(repetition: Repetition, guard: str, saved: str) -> None:
    """Write the pytest file that repeats a receipt. Raises InputError."""
    target = Path(guard)
    if target.exists():
        raise InputError(
            f"{guard}: exists already", code="file-exists", mend="give the name of a new file"
        )
    if not target.name.startswith("test_") or target.suffix != ".py":
        raise InputError(
            f"{guard}: pytest would not find it",
            code="usage",
            mend="a name like tests/test_stays_fast.py",
        )
    judged = repetition.judged.receipt
    try:
        text = guard_text(judged, target, receipt_file(saved))
        target.write_text(text, encoding="utf-8")
    except (ValueError, OSError) as error:
        raise InputError(
            f"{guard}: not written: {error}", code="guard", mend="guard a receipt that holds"
        ) from error
    note(f"wrote {shown(target)}: `pytest {shown(target)}` fails when the gain is lost")
