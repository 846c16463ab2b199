"""Inputs that a model wrote: proved against the original, chosen by B4, and said so."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmark_runner.equality.model_tests import passes
from benchmark_runner.receipts.repeat import unpack, with_repeat
from benchmark_runner.verify import FunctionBench
from benchmark_runner.worker import harness
from benchmark_runner.workload import FunctionWorkload, ModelCall, ModelInputs, Version

SLOW = """def unique(xs):
    seen = []
    for x in xs:
        if x not in seen:
            seen.append(x)
    return seen
"""
FAST = "def unique(xs):\n    return list(dict.fromkeys(xs))\n"
SORTED = "def unique(xs):\n    return sorted(set(xs))\n"


def call(xs: object, expected: object) -> ModelCall:
    return ModelCall(harness.encode(((xs,), {})), harness.encode(expected))


CALLS = (
    call(list(range(60, 0, -1)) * 3, list(range(60, 0, -1))),
    call(list(range(90, 0, -1)) * 2, list(range(90, 0, -1))),
    call([3, 1, 3], [3, 1]),
    call([], []),
    call([2, 2], [2]),
    call([5, 4], [4, 5]),  # the model is wrong here
)


def workload(folder: Path) -> FunctionWorkload:
    path = folder / "mod.py"
    path.write_text(SLOW)
    return FunctionWorkload(path, "unique", Version.of({path: SLOW}), ModelInputs(CALLS))


def test_a_receipt_says_that_a_model_wrote_the_inputs_and_that_b4_chose(tmp_path: Path):
    work = workload(tmp_path)
    after, other = (Version.of({work.path: text}) for text in (FAST, SORTED))
    with FunctionBench(work, python=Path(sys.executable), allow_unsandboxed=True) as bench:
        assert bench.check(other, "model").counterexample is not None
        assert bench.check(after, "model").equality == "exact"
        assert bench.belief(after) == bench.belief(work.before) > bench.belief(other)
        receipt = bench.prove(after, origin="model")
    assert receipt.inputs.source == "model"
    told = " ".join(receipt.notes)
    assert "written by a model" in told
    assert "B4's score: it passes 5 of 6 of the model's tests, as the original does" in told
    assert "group 1 of 2" in told
    again = unpack(with_repeat(receipt, work, after, "model", None), tmp_path)
    assert isinstance(again.workload, FunctionWorkload)
    assert again.workload.inputs == work.inputs


def test_tests_that_speak_against_the_original_are_told_and_change_nothing(tmp_path: Path):
    work = workload(tmp_path)
    against = tuple(call(xs, sorted(set(xs))) for xs in ([3, 1, 3], [5, 4], [9, 8, 7], [2, 1]))
    work = FunctionWorkload(work.path, work.function, work.before, ModelInputs(against))
    with FunctionBench(work, python=Path(sys.executable), allow_unsandboxed=True) as bench:
        other, after = (Version.of({work.path: text}) for text in (SORTED, FAST))
        assert bench.prove(other, origin="model").decision == "different"
        receipt = bench.prove(after, origin="model")
    assert receipt.equality == "exact", receipt.reason
    assert "speak for another behaviour than this one's" in " ".join(receipt.notes)


def observed(outcome: object) -> bytes:
    return harness.encode({"outcome": outcome, "arguments": ((), {})})


@pytest.mark.parametrize(
    ("result", "expected", "passed"),
    [
        ([1, 2], [1, 2], True),
        (0.1 + 0.2, 0.3, True),
        (1, True, False),
        (1.0, 1, False),
        ({"a": [0.5]}, {"a": [0.5 + 1e-12]}, True),
        ((1,), [1], False),
        (float("nan"), float("nan"), True),
    ],
)
def test_an_expected_result_is_of_the_same_type_and_floats_may_be_close(result, expected, passed):
    test = ModelCall(b"", harness.encode(expected))
    assert passes(observed(("return", result)), test) is passed


@pytest.mark.parametrize("payload", [b"", b"\xff\xff", observed("x"), observed(("raise", "E"))])
def test_anything_but_a_plain_result_passes_nothing(payload):
    assert not passes(payload, ModelCall(b"", harness.encode("E")))
