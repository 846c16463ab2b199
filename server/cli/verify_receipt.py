"""`hasten verify --receipt FILE`: prove again what a receipt claims, and guard it by a test."""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from analysis.errors import InputError
from analysis.source import read_source
from benchmark_runner.interpreters import interpreter_at, is_inside
from benchmark_runner.receipt import Dependency, Receipt
from benchmark_runner.receipts.dependencies import changes_since, is_path
from benchmark_runner.receipts.guard import guard_text
from benchmark_runner.receipts.repeat import Again, read, unpack
from benchmark_runner.sandbox.leftovers import own_folder
from benchmark_runner.sandbox.probe import probe
from benchmark_runner.workload import CommandWorkload, FunctionWorkload, Version
from hasten.paths import receipts_dir, workspace_of
from server.cli.common import existing_file, place_of, python_of
from server.cli.output import GOOD, NOT_GOOD, note, page, ratio_text, shown
from server.cli.verify_function import Judged, Options, judge, judge_any
from server.trust import is_trusted


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
        page().print(f"  the receipt of {old.created[:10]} said {old.decision}{ratio}: {again}")
        for text in self.changed:
            page().print(f"  changed since: {text}")
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
    file = receipt_file(name)
    claimed = read(file)
    if file.parent != receipts_dir():
        _refuse_unsandboxed(options)
    moved_to = None if before is None else Path(before).absolute()
    with tempfile.TemporaryDirectory(prefix="hasten-receipt-", dir=own_folder()) as folder:
        again = unpack(claimed, Path(folder), moved_to)
        workload = again.workload
        path = workload.tree if isinstance(workload, CommandWorkload) else workload.path
        if now:
            again = replace(again, after=_as_it_is(again, path))
        elif isinstance(workload, CommandWorkload) and again.after == Version():
            note("the receipt does not carry the changed tree: the work tree as it is is judged")
        python = _interpreter(claimed, file, path, options)
        version = ".".join(map(str, interpreter_at(python).version))
        known = moved(claimed.dependencies, Path(claimed.path), workload.path or path)
        changed = changes_since(known, version_of=lambda _: version)
        options = replace(options, rounding=again.rounding, thorough=again.thorough)
        if isinstance(workload, FunctionWorkload):
            judged = judge(workload, again.after, python, options)
        else:
            judged = judge_any(workload, again.after, python, options, only_cases=again.only_cases)
        # While what the receipt carries is still there as files.
        judged = replace(judged, repeat=judged.repeatable(options.rounding).repeat)
    changed = (*changed, *_other_compilers(claimed, judged.receipt))
    return Repetition(claimed, judged, changed, now)


def _other_compilers(claimed: Receipt, again: Receipt) -> list[str]:
    """Compilers of another version than the claim's; the new proof has asked them."""
    now = {d.name: d.digest for d in again.dependencies if d.kind == "compiler"}
    return [
        f"{d.name} was {d.digest}, is {now[d.name]}"
        for d in claimed.dependencies
        if d.kind == "compiler" and now.get(d.name, d.digest) != d.digest
    ]


def _refuse_unsandboxed(options: Options) -> None:
    """Both versions of a receipt from a file are somebody's. Raises InputError."""
    if probe().level == "L0" and not options.allow_unsandboxed:
        raise InputError(
            "a receipt from a file is not proved again without a sandbox (level L0)",
            code="receipt-unsandboxed",
            mend="see `hasten doctor`; --allow-unsandboxed runs what it carries all the same",
        )


def _as_it_is(again: Again, path: Path) -> Version:
    """The version under test with the file, or the tree, as it lies on the disk."""
    if isinstance(again.workload, CommandWorkload):
        return Version()
    text = read_source(path).text
    others = tuple(pair for pair in again.after.files if pair[0] != str(path))
    return replace(again.after, files=(*others, (str(path), text)))


def _interpreter(claimed: Receipt, file: Path, path: Path, options: Options) -> Path:
    """The interpreter of the claim, where it is still there; else the user's, and a note."""
    own = Path(claimed.environment.python)
    if options.python is None and is_path(str(own)) and own.is_file():
        if may_start(own, file, path):
            return own
        note(f"{own} is not started: the receipt names it, the user doesn't trust where it lies")
    found = python_of(place_of(path), options.python)
    version = ".".join(map(str, found.version))
    if version != claimed.environment.python_version:
        note(
            f"the receipt is about CPython {claimed.environment.python_version}, "
            f"this is CPython {version}"
        )
    return found.path


def may_start(python: Path, file: Path, path: Path) -> bool:
    """Whether a program that a receipt names may run as the interpreter.

    A receipt may come with the very folder that it points into: nothing inside a workspace that is
    not trusted is started, nor what others may write.
    """
    if file.parent == receipts_dir() or is_inside(python, Path(sys.prefix)):
        return True
    if not python.is_absolute():
        return False
    home = Path.home()
    folders = {workspace_of(file), workspace_of(path), workspace_of(Path.cwd())}
    for folder in folders - {home, *home.parents}:
        if is_inside(python, folder) and not is_trusted(folder):
            return False
    real = python.resolve()
    return not any(place.stat().st_mode & stat.S_IWOTH for place in (real, *real.parents))


def moved(known: tuple[Dependency, ...], old: Path, new: Path) -> tuple[Dependency, ...]:
    """Dependencies with their paths on this machine, where the file lies elsewhere here."""
    if old == new:
        return known
    file, here = str(old), str(new)
    while old.name == new.name and old.parent.parent != old.parent:
        old, new = old.parent, new.parent
    root = f"{old}{os.sep}"

    def place(known: Dependency) -> str:
        if known.path == file:
            return here
        moved = new / known.path[len(root) :] if known.path.startswith(root) else None
        if moved is None or (known.kind in ("interpreter", "library") and not moved.exists()):
            return known.path  # an environment need not have moved with the project
        return str(moved)

    return tuple(replace(d, path=place(d)) for d in known)


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
