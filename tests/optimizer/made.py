"""Nouns made by hand for tests that only store, send or combine them."""

from __future__ import annotations

from analysis.text import Position, Range, Replacement
from benchmark_runner.receipt import (
    SCHEMA,
    Environment,
    InputsUsed,
    Measurement,
    Receipt,
    SandboxReport,
    Stage,
    Verdict,
)
from optimizer.suggestion import Rung, Suggestion


def receipt(ratio: float = 3.0, decision: str = "faster", function: str = "f") -> Receipt:
    """A receipt as FunctionBench writes it."""
    interval = (ratio * 0.95, ratio * 1.05)
    return Receipt(
        schema=SCHEMA,
        created="2026-01-01T00:00:00Z",
        path="/w/m.py",
        function=function,
        called=function,
        before_sha256="b" * 64,
        after_sha256="a" * 64,
        decision=decision,  # type: ignore[arg-type]
        reason="",
        equality="exact",
        ratio=ratio,
        interval=interval,
        slower_on=(),
        verdict=Verdict("exact", inputs=5, hash_seeds=(0, 1)),
        measurement=Measurement(
            ratio, interval, True, True, "", (), (), (), None, None, 1.0, 1.0 / ratio
        ),
        inputs=InputsUsed("file", 5, 4, True, "d" * 16),
        sandbox=SandboxReport("L2", False, ()),
        environment=Environment("py", "3.11.7", "CPython", "linux", "6", "cpu", 2, 0.1, "0.1.0"),
        stages=(Stage("equivalence", 0.1, True),),
        notes=(),
        seconds=1.0,
    )


def suggestion(id: str, *, path: str = "/w/m.py", function: str = "f") -> Suggestion:
    """A proved suggestion with one rung."""
    change = (Replacement(Range(Position(1, 0), Position(2, 0)), "    return 1\n"),)
    proof = receipt(function=function)
    rung = Rung("do less", "did more", change, True, 3.0, (2.9, 3.1), proof, "rule")
    return Suggestion(
        id,
        path,
        function,
        "fp",
        "b" * 64,
        "3.0× faster: do less",
        3.0,
        (2.9, 3.1),
        "exact",
        (rung,),
        change,
        proof,
    )
