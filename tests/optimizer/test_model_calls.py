"""Calls that a model writes where nobody has any: read strictly, used with the truth told."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from analysis.progress import CancelToken, silent
from benchmark_runner.worker import harness
from hasten.paths import state_dir
from optimizer.engine.protocol import ModelSpec, OptimizeSpec
from optimizer.preview import would_send
from optimizer.proposers.model_calls import prompt_of, read_calls
from optimizer.results import Results
from optimizer.search import optimize
from optimizer.services import Services
from tests.optimizer.openai_server import Answer, openai_server

SOURCE = '''\
def tally(rows):
    """Sum of squares of every row's weight, for rows as the parser gives them."""
    total = 0
    for row in rows:
        kind, weights = row.split(":")
        found = []
        for word in weights.split(","):
            if word not in found:
                found.append(word)
        total += len(found) * (kind == "w")
    return total
'''
FAST = '''\
CHANGE: count distinct words with a set
WHY: membership in a list is linear, in a set it is constant.
```python
def tally(rows):
    """Sum of squares of every row's weight, for rows as the parser gives them."""
    total = 0
    for row in rows:
        kind, weights = row.split(":")
        total += len(set(weights.split(","))) * (kind == "w")
    return total
```
'''
WORDS = ",".join(f"a{i}" for i in range(300))
ASSERTS = f"""Here they are:
assert tally(["w:{WORDS}"]) == 300
assert tally(["w:{WORDS}", "w:{WORDS}"]) == 600
assert tally(["w:{WORDS}", "v:x"]) == 300
assert tally(["w:a,b,a"]) == 2
assert tally([]) == 0
assert tally(["w:"]) == 99
"""


def test_only_asserts_of_the_function_on_literals_are_read():
    answer = """
assert f([1, 2], key="a") == [2, 1]
assert f([1, 2], key="a") == [2, 1]
assert g(1) == 2
assert f(open("/etc/passwd")) == 2
assert f(*[1]) == 2
assert f(**{"a": 1}) == 2
assert f(1) < 2
assert f(1) == 2 == 3
assert f(1) == __import__("os").system("true")
import os; assert f(1) == 2
f(1) == 2
assert f(-1, None, {"k": (1, 2)}, {3}) is None
"""
    found = read_calls(answer, "f")
    calls = [harness.decode_plain(one.call) for one in found]
    assert calls == [(([1, 2],), {"key": "a"}), ((-1, None, {"k": (1, 2)}, {3}), {})]
    assert [harness.decode_plain(one.expected) for one in found] == [[2, 1], None]


@pytest.mark.parametrize(
    "line",
    ["assert f(" + "[" * 3000, "assert f(" + "(" * 150 + ")" * 150 + ") == 1" + "," * 4000,
     "assert f('" + "x" * 5000 + "') == 1", "assert f(\x00) == 1", "assert f(1) == 1 if"],
)  # fmt: skip
def test_what_is_too_deep_too_long_or_broken_is_passed_over(line):
    assert read_calls(line, "f") == ()


def test_an_answer_is_bounded():
    answer = "\n".join(f"assert f({i}) == {i}" for i in range(1000))
    assert len(read_calls(answer, "f")) == 40


def test_methods_are_not_asked_about():
    text = "class A:\n    def f(self):\n        return 1\n"
    assert prompt_of(text, "a.py", "A.f") is None


def spec(workspace: Path, url: str) -> OptimizeSpec:
    path = workspace / "mod.py"
    path.write_text(SOURCE)
    return OptimizeSpec(
        workspace=str(workspace), path=str(path), function="tally", python=sys.executable,
        cwd=str(workspace), budget=2, model=ModelSpec("openai/m", api_base=url, api_key="k"),
        strategy="best-of-n", allow_unsandboxed=True,
    )  # fmt: skip


def writes_calls(body: dict[str, object]) -> bool:
    return "You write calls" in str(body["messages"])


@pytest.fixture
def no_inputs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Inputs made from the code are to be had for more functions every week."""
    from benchmark_runner import specs
    from benchmark_runner.inputs import generated
    from optimizer import preview

    def none(text: str, path: Path, qualname: str, **_: object) -> tuple[bytes, ...]:
        raise generated._without(path, qualname, "nothing says what its parameters are")

    monkeypatch.setattr(specs, "generate", none)
    monkeypatch.setattr(preview, "generate", none)


@pytest.mark.slow
def test_where_no_inputs_are_to_be_had_a_model_s_calls_prove_and_the_receipt_says_so(
    tmp_path: Path, no_inputs: None
):
    def answer(body: dict[str, object], number: int) -> Answer:
        return Answer(ASSERTS if writes_calls(body) else FAST)

    with openai_server(answer) as server:
        given = spec(tmp_path, server.url)
        state = state_dir(tmp_path)
        services = Services(tmp_path, state, Results(state))
        try:
            shown = {prompt.user for prompt in would_send(given, services)}
            outcome = optimize(given, services, silent, CancelToken())
        finally:
            services.close()
    assert sum(writes_calls(body) for body in server.requests) == 1
    first = next(body for body in server.requests if writes_calls(body))
    assert first["messages"][1]["content"] in shown
    assert outcome.inputs.source == "model"
    assert any("a model wrote its inputs, 6 calls" in note for note in outcome.notes)
    [suggestion] = outcome.suggestions
    told = " ".join(suggestion.receipt.notes)
    assert "inputs written by a model" in told
    assert "B4's score: it passes 5 of 6 of the model's tests, as the original does" in told


def test_an_answer_that_can_not_be_read_leaves_the_refusal_as_it_was(
    tmp_path: Path, no_inputs: None
):
    with openai_server(lambda body, number: Answer("I would rather not.")) as server:
        state = state_dir(tmp_path)
        services = Services(tmp_path, state, Results(state))
        try:
            with pytest.raises(Exception, match="no inputs for tally") as caught:
                optimize(spec(tmp_path, server.url), services, silent, CancelToken())
        finally:
            services.close()
    assert getattr(caught.value, "code", "") == "inputs-none"
