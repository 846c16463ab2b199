"""`hasten doctor`: what this machine offers, what is missing, and what works without it."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import typer
from rich.text import Text

import hasten
from analysis.errors import HastenError
from benchmark_runner.executors.slots import keep, kept_report, measure_slots
from benchmark_runner.lock import timing_lock
from benchmark_runner.recording.sampling import why_not
from benchmark_runner.sandbox.probe import probe, reported
from hasten.paths import data_dir
from index.doctor import embedding
from index.store import Memory
from server.cli.common import Place, cancel_on_interrupt, place_of, python_of, usable_state
from server.cli.output import GOOD, NOT_GOOD, ProgressLine, emit_json, page
from server.model import model_of


@dataclass(frozen=True)
class Check:
    """One thing looked at. `mend` is None where there is nothing to mend."""

    ok: bool
    value: str
    mend: str | None = None


def doctor(
    python: str | None = typer.Option(None, "--python", help="The interpreter to look at."),
    slots: bool = typer.Option(
        False, "--slots", help="Measure how many timings may run at once here, and keep it."
    ),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON value."),
) -> int:
    """Say what works here and how to mend what does not."""
    place = place_of(Path.cwd())
    if slots:
        _measure_slots()
    checks = {
        "version": Check(True, hasten.__version__),
        "python": _guarded(lambda: _python(place, python)),
        "sandbox": _guarded(_sandbox),
        "profiler": _guarded(_profiler),
        "slots": _guarded(_slots),
        "embedding": _guarded(_embedding),
        "model": _guarded(lambda: _model(place)),
        "chroma": _guarded(_chroma),
        "state": _guarded(lambda: _state(place)),
        "editors": _guarded(_editors),
    }
    if as_json:
        emit_json({name: asdict(check) for name, check in checks.items()})
    else:
        out = page()
        for name, check in checks.items():
            mark = ("ok     ", "green") if check.ok else ("missing", "yellow")
            out.print(Text.assemble(mark, " ", (f"{name:10}", "bold"), " "), end="")
            out.print(check.value)
            if check.mend:
                out.print(f"{'':19}mend: {check.mend}", style="dim")
    return GOOD if all(check.ok for check in checks.values()) else NOT_GOOD


def _guarded(check: Callable[[], Check]) -> Check:
    """A check that fails is a finding, not the end of the others."""
    try:
        return check()
    except HastenError as error:
        return Check(False, error.message, error.mend)
    except Exception as error:
        return Check(False, f"{type(error).__name__}: {error}", "please report this")


def _python(place: Place, explicit: str | None) -> Check:
    found = python_of(place, explicit)
    version = ".".join(str(part) for part in found.version)
    return Check(True, f"CPython {version} at {found.path}")


def _sandbox() -> Check:
    found = probe()
    if found.level == "L0":
        without = "heat, hints and edits by rules; a model's edits and verify need a sandbox"
    elif found.level == "L1":
        without = "everything; L2 adds namespaces of its own for each run"
    else:
        without = "everything"
    has = f" ({', '.join(found.notes)})" if found.notes else ""
    value = f"{reported(found.level)}{has}; works here: {without}"
    lacking = zip(found.missing, found.mends, strict=True)
    mend = "; ".join(f"no {what}: {how}" for what, how in lacking)
    return Check(found.level != "L0", value, mend or None)


def _measure_slots() -> None:
    """Time identical code alone and side by side. Raises Cancelled."""
    with (
        cancel_on_interrupt() as cancel,
        ProgressLine() as progress,
        timing_lock(progress, cancel, slots=1),
    ):
        keep(measure_slots(progress, cancel))


def _profiler() -> Check:
    reason = why_not()
    if reason is None:
        return Check(True, "py-spy samples programs and running processes")
    return Check(
        True,
        f"cProfile, since {reason}",
        "for sampling: py-spy installed, and the right to trace (CAP_SYS_PTRACE in a container)",
    )


def _slots() -> Check:
    report = kept_report()
    if report is None:
        mend = "`hasten doctor --slots` measures whether two at once would disturb each other"
        return Check(True, "1 timing at once (not measured)", mend)
    many = f"{report.slots} timing{'s' if report.slots > 1 else ''} at once"
    return Check(True, f"{many}; measured: {report.shown}")


def _embedding() -> Check:
    with Memory() as memory:
        shown = embedding(memory)
    return Check(shown.ok, shown.name, shown.mend or None)


def _model(place: Place) -> Check:
    model = model_of(place.settings)
    if model is None:
        return Check(
            True,
            "none: rules propose, no code is sent to a model",
            "to use one: --model NAME or HASTEN_MODEL (any that litellm reaches)",
        )
    if model.api_key is None:
        provider = model.model.split("/", 1)[0].upper().replace("-", "_")
        return Check(False, f"{model.model}: no key", f"set {provider}_API_KEY or HASTEN_API_KEY")
    return Check(True, f"{model.model}" + (f" at {model.api_base}" if model.api_base else ""))


def _chroma() -> Check:
    if importlib.util.find_spec("chromadb") is None:
        return Check(False, "chromadb is not installed", "install hasten again with its packages")
    with Memory() as memory:
        count = memory.counts()["records"]
        for text in memory.notes:
            return Check(False, text, "see the file named")
    return Check(True, f"{count} records in {data_dir()}; nothing is served over a network")


def _state(place: Place) -> Check:
    folder = usable_state(place.workspace)
    if not os.access(folder, os.W_OK):
        return Check(False, f"{folder}: read-only", "make it writable or set XDG_STATE_HOME")
    return Check(True, str(folder))


def _editors() -> Check:
    found = [f"{name} ({path})" for name in ("code", "nvim") if (path := shutil.which(name))]
    nvim = shutil.which("nvim")
    if nvim:
        shown = subprocess.run(
            [nvim, "--version"], capture_output=True, text=True, timeout=10, check=False
        ).stdout.split("\n", 1)[0]
        digits = shown.removeprefix("NVIM v").split(".")
        if len(digits) > 1 and digits[1].isdigit() and (int(digits[0]), int(digits[1])) < (0, 11):
            return Check(False, shown, "hasten's plugin needs Neovim 0.11 or later")
    if not found:
        return Check(
            True,
            "no VS Code or Neovim on the path; any LSP client works",
            "start `hasten lsp` over stdio from your editor (docs/editors.md)",
        )
    return Check(True, ", ".join(found))
