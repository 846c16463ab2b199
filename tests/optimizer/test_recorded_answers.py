"""Recorded answers, replayed over HTTP and judged by the real bench.

data/answers.jsonl holds answers of a capable general model with the prompts that it saw, and wrong
ones made by hand. They are found by the function that a prompt is about, whatever else it says.
"""

from __future__ import annotations

import itertools
import json
import re
import shutil
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from analysis.text import apply_replacements
from benchmark_runner.sandbox.probe import probe
from optimizer.engine.protocol import ModelSpec, OptimizeSpec
from optimizer.suggestion import Outcome
from tests.optimizer.openai_server import Answer, openai_server
from tests.optimizer.test_search import job

pytestmark = pytest.mark.skipif(probe().level == "L0", reason="no sandbox: no model's code is run")

ROOT = Path(__file__).parents[2]
SUITE = ROOT / "benchmarks" / "model_suite"
RECORDED = Path(__file__).parent / "data" / "answers.jsonl"


class Recording:
    """Each function's answers, in the order of the file; then the model has nothing to add."""

    def __init__(self) -> None:
        rows = map(json.loads, RECORDED.read_text(encoding="utf-8").splitlines())
        found: dict[str, list[str]] = defaultdict(list)
        for row in rows:
            found[row["function"]].append(row["answer"])
        self._left: dict[str, Iterator[str]] = {
            name: itertools.chain(answers, itertools.repeat("NOTHING: all is said"))
            for name, answers in found.items()
        }

    def __call__(self, body: dict[str, Any], number: int) -> Answer:
        user = body["messages"][-1]["content"]
        (name,) = [name for name in self._left if f"def {name}(" in user]
        return Answer(next(self._left[name]))


def replayed(workspace: Path, name: str) -> tuple[Outcome, str]:
    for file in (f"{name}.py", f"{name}_inputs.py"):
        shutil.copy(SUITE / file, workspace / file)
    file_of = workspace / f"{name}.py"
    asked = OptimizeSpec(
        workspace=str(workspace), path=str(file_of), function=name, python=sys.executable,
        inputs_file=str(workspace / f"{name}_inputs.py"), cwd=str(workspace), budget=3,
        examples=3, depth=1,
    )  # fmt: skip
    with openai_server(Recording()) as server:
        asked = replace(asked, model=ModelSpec("openai/toy", server.url, "k", timeout_s=20.0))
        outcome = job(workspace, asked)
    return outcome, file_of.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "in_place", "why"),
    [
        (
            "fix_spaces",
            '"-".join(_RUN.split(text))',
            r"differs for .*: returned '_+' before, .*'-'",
        ),
        (
            "conflicts",
            "bisect_left(starts, end) - bisect_right(ends, start) - 1",
            r"differs for .*: .+ before, .+ after",
        ),
    ],
)
def test_the_right_answer_is_offered_and_the_wrong_one_refused_with_its_counterexample(
    workspace: Path, name: str, in_place: str, why: str
) -> None:
    outcome, before = replayed(workspace, name)
    (found,) = outcome.suggestions
    after = apply_replacements(before, found.replacements)
    assert in_place in after
    assert (found.equality, found.receipt.decision) == ("exact", "faster")
    assert found.interval[0] > 1.1
    assert [r.origin for r in found.edits] == ["model:openai/toy"]
    assert found.title.endswith(found.edits[0].title)
    wrong = [r for r in outcome.rejected if r.stage == "equivalence"]
    assert len(wrong) == 1
    assert re.search(why, wrong[0].reason)


def test_an_answer_without_a_rewrite_leaves_the_one_that_was_proved(workspace: Path) -> None:
    outcome, before = replayed(workspace, "sort_array")
    (found,) = outcome.suggestions
    after = apply_replacements(before, found.replacements)
    assert "key=int.bit_count" in after
    assert "cmp_to_key" not in after
    assert all(r.stage != "proposal" for r in outcome.rejected)
    assert any("saw nothing to gain" in note for note in outcome.notes)


def test_the_recording_says_who_answered_and_when() -> None:
    rows = [json.loads(line) for line in RECORDED.read_text(encoding="utf-8").splitlines()]
    assert all({"date", "by", "function", "prompt", "answer"} == set(row) for row in rows)
    assert {row["by"] for row in rows} == {
        "answers of a capable general model", "made by hand, as hasty answers go",
    }  # fmt: skip
