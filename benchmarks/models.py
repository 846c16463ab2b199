"""How well a model does as a proposer: the functions of model_suite/ against any model.

    python -m benchmarks.models --model openai/NAME --api-base URL [--only is_nested,sessions]

Each function is searched by `hasten optimize` with folders of its own, so nothing is remembered
from one run to the next. Five of the functions are HumanEval's, which every model has seen. The
table says, per function and over all: answers that could be parsed, candidates that did the same
as the original, whether an edit of the model was proved at least 1.1 times as fast, the proved
speed-up, lines that the edit changes of lines that the function has, tokens and wall time.
"""

from __future__ import annotations

import argparse
import difflib
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from analysis.functions import function_named
from analysis.text import Position, Range, Replacement, apply_replacements

SUITE = Path(__file__).parent / "model_suite"
FUNCTIONS = {
    "is_nested": "is_nested",
    "largest_prime_factor": "largest_prime_factor",
    "count_nums": "count_nums",
    "fix_spaces": "fix_spaces",
    "sort_array": "sort_array",
    "conflicts": "conflicts",
    "sessions": "sessions",
    "routes": "count_routes",
}
FASTER = 1.1
"""PIE's threshold of an optimization (arXiv 2302.07867)."""


@dataclass(frozen=True)
class Row:
    """One function. `tried` are the model's distinct candidates that were run or gated."""

    name: str
    answers: int
    parsed: int
    declined: int
    duplicates: int
    failed_calls: int
    tried: int
    correct: int
    ratio: float
    by_model: bool
    rungs: int
    changed_lines: int
    lines: int
    tokens: int
    seconds: float
    reasons: tuple[str, ...] = ()

    @property
    def faster(self) -> bool:
        """Whether an edit by the model was proved, by PIE's measure."""
        return self.by_model and self.ratio >= FASTER


def run(name: str, folder: Path, options: argparse.Namespace) -> Row:
    """Search one function of the suite by the command line."""
    work = folder / "suite"
    command = [
        sys.executable, "-m", "hasten", "optimize", f"{work / name}.py::{FUNCTIONS[name]}",
        "--inputs", str(work / f"{name}_inputs.py"), "--model", options.model, "--json",
        "--model-timeout", str(options.model_timeout), "--budget", str(options.budget),
        "--examples", str(options.examples), "--depth", str(options.depth),
        "--strategy", options.strategy,
    ]  # fmt: skip
    if options.api_base:
        command += ["--api-base", options.api_base]
    started = time.monotonic()
    done = subprocess.run(
        command, env=_environment(folder), capture_output=True, text=True, check=False
    )  # fmt: skip
    seconds = time.monotonic() - started
    if done.returncode not in (0, 1):
        raise SystemExit(f"{name}: hasten ended with {done.returncode}\n{done.stdout}{done.stderr}")
    (folder / f"{name}.json").write_text(done.stdout)
    return row_of(name, json.loads(done.stdout), _events(folder, FUNCTIONS[name]), seconds)


def _environment(folder: Path) -> dict[str, str]:
    own = {
        "XDG_DATA_HOME": folder / "data",
        "XDG_STATE_HOME": folder / "state",
        "XDG_RUNTIME_DIR": folder / "run",
    }
    for path in own.values():
        path.mkdir(mode=0o700, exist_ok=True)
    return {**os.environ, **{k: str(v) for k, v in own.items()}, "HASTEN_ENGINE_IDLE_S": "5"}


def _events(folder: Path, function: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for log in folder.glob("state/hasten/*/trials.jsonl"):
        found += map(json.loads, log.read_text().splitlines())
    return [event for event in found if event["function"] == function]


def row_of(
    name: str, outcome: dict[str, Any], events: Sequence[dict[str, Any]], seconds: float
) -> Row:
    """The figures of one function from what the command printed and the search logged."""
    ledgers = [e for e in events if e["event"] == "model"]
    mine = [e for e in events if e["event"] == "try" and e["by"] == "model"]
    invalid = [r for e in events if e["event"] == "invalid" for r in e["reasons"]]
    refused = [f"{e['stage']}: {e['failure']}" for e in mine if not e["ok"]]

    def total(key: str) -> int:
        return sum(int(ledger[key]) for ledger in ledgers)

    best = max(outcome["suggestions"], key=lambda s: s["ratio"], default=None)
    text = (SUITE / f"{name}.py").read_text(encoding="utf-8")
    function = function_named(text, "m.py", FUNCTIONS[name])
    assert function is not None
    changed = 0 if best is None else changed_lines(text, best["replacements"])
    return Row(
        name=name,
        answers=total("answers"),
        parsed=total("answers") - total("bad"),
        declined=total("declined"),
        duplicates=total("duplicates"),
        failed_calls=total("failed"),
        tried=len(mine),
        correct=sum(e["stage"] == "timing" for e in mine),
        ratio=1.0 if best is None else best["ratio"],
        by_model=best is not None and any(_is_models(e) for e in best["edits"]),
        rungs=0 if best is None else len(best["edits"]),
        changed_lines=changed,
        lines=len(text[function.start : function.end].splitlines()),
        tokens=total("tokens"),
        seconds=seconds,
        reasons=(*invalid, *refused),
    )


def _is_models(rung: dict[str, Any]) -> bool:
    return str(rung.get("origin", "")).startswith("model:")


def changed_lines(text: str, replacements: Sequence[dict[str, Any]]) -> int:
    """Lines that are taken away, or put in, whichever are more."""
    made = tuple(
        Replacement(
            Range(Position(**r["range"]["start"]), Position(**r["range"]["end"])), r["new_text"]
        )
        for r in replacements
    )
    after = apply_replacements(text, made)
    diff = list(difflib.ndiff(text.splitlines(), after.splitlines()))
    return max(sum(line.startswith("- ") for line in diff), sum(li.startswith("+ ") for li in diff))


def table(rows: Sequence[Row]) -> str:
    """The rows and their totals in Markdown."""
    lines = [
        "| function | answers | parsed | tried | same | proved | edits | lines changed | tokens "
        "| wall |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for r in rows:
        proved = f"{r.ratio:.1f}×" + ("" if r.by_model else " (rules)") if r.rungs else "-"
        lines.append(
            f"| {r.name} | {r.answers} | {r.parsed} | {r.tried} | {r.correct} | {proved} | "
            f"{r.rungs} | {r.changed_lines} of {r.lines} | {r.tokens} | {r.seconds:.0f} s |"
        )
    return "\n".join(lines)


def summary(rows: Sequence[Row]) -> str:
    """The figures over all functions; a function without a proved edit counts as 1."""
    answers, tried = sum(r.answers for r in rows), sum(r.tried for r in rows)
    mean = math.exp(sum(math.log(max(1.0, r.ratio)) for r in rows) / len(rows))
    sizes = [r.changed_lines / r.lines for r in rows if r.rungs]
    size = f"{100 * sum(sizes) / len(sizes):.0f} %" if sizes else "-"
    return "\n".join(
        [
            f"parsable: {_percent(sum(r.parsed for r in rows), answers)} of {answers} answers "
            f"({sum(r.declined for r in rows)} saw nothing to gain, "
            f"{sum(r.duplicates for r in rows)} repeated another, "
            f"{sum(r.failed_calls for r in rows)} calls failed)",
            f"same as the original: {_percent(sum(r.correct for r in rows), tried)} "
            f"of {tried} candidates",
            f"faster by a model's edit (>= {FASTER}): "
            f"{_percent(sum(r.faster for r in rows), len(rows))} of {len(rows)} functions",
            f"geometric mean of the speed-ups: {mean:.1f}×",
            f"lines changed, of the function's: {size}",
            f"tokens: {sum(r.tokens for r in rows)}, wall: {sum(r.seconds for r in rows):.0f} s",
        ]
    )


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "-"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--api-base")
    parser.add_argument("--model-timeout", type=float, default=300.0)
    parser.add_argument("--strategy", default="beam")
    parser.add_argument("--budget", type=int, default=8)
    parser.add_argument("--examples", type=int, default=4)
    parser.add_argument("--depth", type=int, default=2)
    parser.add_argument("--only", help="names of modules in model_suite/, with commas between")
    parser.add_argument("--keep", type=Path, help="folder for logs and answers; must not exist")
    options = parser.parse_args()
    names = options.only.split(",") if options.only else list(FUNCTIONS)
    folder = options.keep or Path(tempfile.mkdtemp(prefix="hasten-models-"))
    shutil.copytree(SUITE, folder / "suite", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "suite" / "hasten.toml").write_text("")  # the root of a workspace
    rows: list[Row] = []
    try:
        for name in names:
            rows.append(run(name, folder, options))
            print(f"{name}: {rows[-1].ratio:.1f}×, {rows[-1].seconds:.0f} s", file=sys.stderr)
            for reason in rows[-1].reasons:
                print(f"  refused: {reason[:200]}", file=sys.stderr)
            (folder / "rows.json").write_text(json.dumps([asdict(r) for r in rows], indent=1))
        print(f"{table(rows)}\n\n{summary(rows)}")
    finally:
        if options.keep is None:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
