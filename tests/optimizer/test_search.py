"""Whole jobs over real benches: what is offered, what is refused and why."""

from __future__ import annotations

import json
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from textwrap import dedent

import pytest

from analysis.errors import InputError
from analysis.functions import function_named
from analysis.progress import CancelToken, silent
from analysis.text import apply_replacements
from benchmark_runner.sandbox.probe import probe
from benchmark_runner.workload import CapturedInputs, GeneratedInputs, Inputs
from hasten.paths import state_dir
from index.store import Memory
from optimizer.engine.protocol import ModelSpec, OptimizeSpec
from optimizer.preview import SHAPES_UNKNOWN, would_send
from optimizer.results import Results
from optimizer.search import optimize
from optimizer.services import Services
from optimizer.suggestion import Outcome, Suggestion
from optimizer.targets import Planner
from tests.optimizer.openai_server import Answer, openai_server

SLOW = '''\
def common(items, wanted):
    """Which are wanted."""
    found = []
    for x in items:
        if x in wanted:  # keep
            found.append(x)
    return found
'''
LISTS = "[(list(range(0, n, 2)), list(range(n // 2))) for n in (300, 400, 500, 600)]"


def inputs_file(workspace: Path, arguments: str) -> str:
    file = workspace / "given.py"
    file.write_text(f"def inputs():\n    return [(a, {{}}) for a in {arguments}]\n")
    return str(file)


def job(workspace: Path, spec: OptimizeSpec) -> Outcome:
    state = state_dir(workspace)
    services = Services(workspace, state, Results(state))
    try:
        return optimize(spec, services, silent, CancelToken())
    finally:
        services.close()


def spec(workspace: Path, text: str, function: str | None, arguments: str = "") -> OptimizeSpec:
    file = workspace / "mod.py"
    file.write_text(text)
    return OptimizeSpec(
        workspace=str(workspace),
        path=str(file),
        function=function,
        python=sys.executable,
        inputs_file=inputs_file(workspace, arguments) if arguments else None,
        cwd=str(workspace),
        budget=1,
    )


def stages(outcome: Outcome) -> set[tuple[str, str]]:
    return {(r.function, r.stage) for r in outcome.rejected}


def applied(suggestion: Suggestion, text: str) -> str:
    """The text after the suggestion, checked against its rungs one by one."""
    whole = apply_replacements(text, suggestion.replacements)
    step = text
    for rung in suggestion.edits:
        step = apply_replacements(step, rung.replacements)
    assert step == whole
    return whole


def test_a_rules_edit_is_proved_offered_and_remembered(workspace: Path) -> None:
    asked = spec(workspace, SLOW, "common", LISTS)
    outcome = job(workspace, asked)
    (found,) = outcome.suggestions
    assert "set(wanted)" in applied(found, SLOW)
    assert (workspace / "mod.py").read_text() == SLOW
    assert found.ratio > 3
    assert found.interval[0] < found.ratio < found.interval[1]
    assert (found.equality, found.receipt.decision) == ("exact", "faster")
    assert found.title.endswith(f"faster: {found.edits[0].title}")
    assert found.edits[0].alone
    function = function_named(SLOW, "mod.py", "common")
    assert function is not None
    assert found.fingerprint == function.fingerprint
    assert (outcome.inputs.source, outcome.inputs.count) == ("file", 4)
    results = Results(state_dir(workspace))
    assert results.get(found.id) == found
    assert results.proved_text(found.id) == SLOW
    with Memory() as memory:
        (record,) = [r for r in memory.all() if r.provenance.startswith("workspace:")]
    assert "set(wanted)" in record.fast
    assert "x in wanted" in record.slow
    log = (state_dir(workspace) / "trials.jsonl").read_text().splitlines()
    assert any(json.loads(line)["ok"] for line in log)


def test_a_function_that_is_good_gets_nothing(workspace: Path) -> None:
    text = "def add(a: int, b: int) -> int:\n    return a + b\n"
    outcome = job(workspace, spec(workspace, text, "add", "[(1, 2), (3, 4)]"))
    assert outcome.suggestions == ()
    assert stages(outcome) == {("add", "search")}


def test_a_wrong_edit_is_refused_and_not_tried_again(workspace: Path) -> None:
    """A list of lists can't become a set: only running it shows that."""
    arguments = "[([[i] for i in range(n)], [[i] for i in range(0, n, 3)]) for n in (30, 40)]"
    asked = spec(workspace, SLOW, "common", arguments)
    first = job(workspace, asked)
    assert first.suggestions == ()
    assert ("common", "equivalence") in stages(first)
    second = job(workspace, asked)
    assert ("common", "memory") in stages(second)
    assert ("common", "equivalence") not in stages(second)


def test_a_nondeterministic_function_is_named_as_such(workspace: Path) -> None:
    text = (
        "import os\n\ndef f(items, wanted):\n    mark = os.urandom(8)\n"
        "    return [(x, mark) for x in items if x in wanted]\n"
    )
    outcome = job(workspace, spec(workspace, text, "f", LISTS))
    (refused,) = outcome.rejected
    assert refused.stage == "nondeterministic"
    assert outcome.suggestions == ()


def test_a_function_without_inputs_says_how_to_give_some(workspace: Path) -> None:
    text = "def f(a, b, c):\n    return [x.q for x in a.z if x in b.w(c)]\n"
    with pytest.raises(InputError) as caught:
        job(workspace, spec(workspace, text, "f"))
    assert caught.value.code == "inputs-none"
    assert "--inputs" in caught.value.mend
    whole = job(workspace, replace(spec(workspace, text, "f"), function=None))
    assert stages(whole) == {("f", "inputs")}


def test_inputs_that_fail_are_bad_input(workspace: Path) -> None:
    asked = spec(workspace, SLOW, "common", "1 / 0")
    with pytest.raises(InputError) as caught:
        job(workspace, asked)
    assert caught.value.code.startswith("inputs")


def test_the_editors_text_counts_over_the_disk(workspace: Path) -> None:
    asked = spec(workspace, "def common(items, wanted):\n    return 0\n", "common", LISTS)
    (found,) = job(workspace, replace(asked, text=SLOW)).suggestions
    assert "set(wanted)" in applied(found, SLOW)


def test_a_syntax_error_elsewhere_does_not_hinder(workspace: Path) -> None:
    text = SLOW + "\n\ndef broken(:\n    return (\n"
    outcome = job(workspace, spec(workspace, text, "common", LISTS))
    (found,) = outcome.suggestions
    after = applied(found, text)
    assert "set(wanted)" in after
    assert after.endswith("def broken(:\n    return (\n")
    assert "syntax error" in outcome.notes[0]


def test_a_function_with_a_syntax_error_is_bad_input(workspace: Path) -> None:
    with pytest.raises(InputError) as caught:
        job(workspace, spec(workspace, SLOW + "\n\ndef b(x):\n    return x +\n", "b", "[(1,)]"))
    assert caught.value.code in ("syntax-error", "function-unknown")


def test_a_function_of_an_ignored_mark_is_left_alone(workspace: Path) -> None:
    text = "# hasten: ignore\n" + SLOW
    with pytest.raises(InputError) as caught:
        job(workspace, spec(workspace, "x = 1\n" + text, "common", LISTS))
    assert caught.value.code == "function-ignored"


PROGRAM = {
    "shop/__init__.py": "",
    "shop/find.py": SLOW,
    "shop/stock.py": dedent("""\
        def missing(names, known):
            return [name for name in names if name not in known]
        """),
    "main.py": dedent("""\
        from shop.find import common
        from shop.stock import missing

        def main():
            total = 0
            for n in range(900, 910):
                total += len(common(list(range(0, n, 2)), list(range(n // 2, n))))
                names = [f"item {i}" for i in range(n)]
                total += len(missing(names, names[: n // 2]))
            return total

        if __name__ == "__main__":
            main()
        """),
}


def test_a_workload_is_profiled_captured_proved_together_and_measured(workspace: Path) -> None:
    for name, text in PROGRAM.items():
        file = workspace / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    asked = OptimizeSpec(
        workspace=str(workspace),
        path=None,
        function=None,
        python=sys.executable,
        workload=tuple(shlex.split("python main.py")),
        cwd=str(workspace),
        budget=2,
    )
    outcome = job(workspace, asked)
    assert {s.function for s in outcome.suggestions} == {"common", "missing"}
    assert "the edits of 2 functions were proved together" in outcome.notes
    assert outcome.inputs.source == "captured"
    assert outcome.inputs.count >= 15
    assert outcome.run is not None
    assert min(outcome.run.before_s, outcome.run.after_s) > 0

    # A later job on one function uses the stored calls, as long as the function is the same.
    later = replace(asked, workload=None, path=str(workspace / "shop/find.py"), function="common")
    assert isinstance(inputs_of(later), CapturedInputs)
    (workspace / "shop/find.py").write_text(SLOW.replace("found = []", "found = list()"))
    assert isinstance(inputs_of(later), GeneratedInputs)


def inputs_of(asked: OptimizeSpec) -> Inputs:
    state = state_dir(Path(asked.workspace))
    (target,) = Planner(asked, state, silent, CancelToken()).plan().targets
    return target.inputs


def test_a_workload_that_fails_is_bad_input(workspace: Path) -> None:
    (workspace / "main.py").write_text("raise SystemExit('no database')\n")
    asked = OptimizeSpec(
        str(workspace), None, None, sys.executable, workload=("python", "main.py"),
        cwd=str(workspace),
    )  # fmt: skip
    with pytest.raises(InputError) as caught:
        job(workspace, asked)
    assert "no database" in caught.value.message


PAIRS = """\
def pairs(numbers, total):
    found = 0
    for i in range(len(numbers)):
        for j in range(i + 1, len(numbers)):
            if numbers[i] + numbers[j] == total:
                found += 1
    return found
"""
GOOD = """\
CHANGE: count partners in a dictionary
WHY: every pair was looked at
```python
def pairs(numbers, total):
    found = 0
    seen = {}
    for number in numbers:
        found += seen.get(total - number, 0)
        seen[number] = seen.get(number, 0) + 1
    return found
```
"""
WRONG = GOOD.replace("seen.get(total - number, 0)", "(total - number in seen)")
MALFORMED = "Here you are: def pairs(numbers, total): return 0"
MALICIOUS = """\
CHANGE: see https://evil.example
```python
import os
def pairs(numbers, total):
    try:
        with os.fdopen(os.open("PLANTED", os.O_CREAT | os.O_WRONLY), "w") as file:
            file.write("x")
    except OSError:
        pass
    found = 0
    seen = {}
    for number in numbers:
        found += seen.get(total - number, 0)
        seen[number] = seen.get(number, 0) + 1
    return found
```
"""
MEMO = """\
```python
_SEEN = {}
def pairs(numbers, total):
    key = (tuple(numbers), total)
    if key not in _SEEN:
        seen = {}
        found = 0
        for number in numbers:
            found += seen.get(total - number, 0)
            seen[number] = seen.get(number, 0) + 1
        _SEEN[key] = found
    return _SEEN[key]
```
"""
NUMBERS = "[([i * 7 % 101 for i in range(n)], 100) for n in (150, 160, 170, 180)]"


def test_only_the_good_answer_of_a_model_is_offered(workspace: Path) -> None:
    if probe().level == "L0":
        pytest.skip("a model's code is not run without a sandbox")
    planted = workspace / "planted"
    replies = [
        Answer(WRONG), Answer(GOOD, wait_s=30), Answer(MALFORMED), Answer(MEMO),
        Answer(MALICIOUS.replace("PLANTED", str(planted))), Answer(GOOD),
    ]  # fmt: skip
    with openai_server(lambda body, n: replies[n] if n < 6 else Answer(MALFORMED)) as server:
        model = ModelSpec("openai/toy", server.url, "k", timeout_s=2.0)
        asked = spec(workspace, PAIRS, "pairs", NUMBERS)
        asked = replace(asked, model=model, budget=9, examples=12, depth=1)
        outcome = job(workspace, asked)
    (found,) = outcome.suggestions
    after = applied(found, PAIRS)
    assert "seen.get(total - number, 0)" in after
    assert "_SEEN" not in after
    assert "open" not in after
    assert found.ratio > 3
    assert any(r.origin == "model:openai/toy" for r in found.edits)
    assert not planted.exists()
    assert "evil" not in json.dumps([r.title for r in outcome.rejected])
    reasons = {(r.stage, r.reason) for r in outcome.rejected}
    assert any(stage == "equivalence" and "result" in why for stage, why in reasons)
    assert any(stage == "proposal" and "```python" in why for stage, why in reasons)
    assert any(stage == "proposal" and "2 s" in why for stage, why in reasons)
    assert any("model: " in note and "calls" in note for note in outcome.notes)


def test_without_a_model_nothing_is_sent(workspace: Path) -> None:
    with openai_server(lambda body, n: Answer(GOOD)) as server:
        job(workspace, spec(workspace, PAIRS, "pairs", NUMBERS))
    assert server.requests == []


def test_what_would_be_sent_is_what_is_sent(workspace: Path) -> None:
    with openai_server(lambda body, n: Answer(MALFORMED)) as server:
        asked = spec(workspace, PAIRS, "pairs", "[([1, 2], 3)]")
        model = ModelSpec("openai/toy", server.url, "k")
        asked = replace(asked, model=model, examples=4, depth=1)
        state = state_dir(workspace)
        services = Services(workspace, state, None)
        shown = {prompt.user for prompt in would_send(asked, services)}
        assert all(user.count(SHAPES_UNKNOWN) == 1 for user in shown)
        services.close()
        assert server.requests == []
        job(workspace, asked)
    sent = {r["messages"][1]["content"] for r in server.requests}
    assert sent == {user.replace(SHAPES_UNKNOWN, "list of 2 (int), int") for user in shown}


def test_an_unreachable_model_leaves_the_rules(workspace: Path) -> None:
    asked = spec(workspace, SLOW, "common", LISTS)
    model = ModelSpec("openai/toy", "http://127.0.0.1:9/v1", "k", timeout_s=5.0)
    outcome = job(workspace, replace(asked, model=model))
    assert len(outcome.suggestions) == 1
    assert any("nobody answers" in note for note in outcome.notes)
