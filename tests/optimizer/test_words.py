"""Evidence in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmark_runner.receipt import Build, InputsUsed
from optimizer.words import amount_words, build_words, clock_words, inputs_words
from tests.optimizer.made import receipt


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (1.5, "s", "1.5 s"),
        (0.01234, "s", "12.3 ms"),
        (3.2e-6, "s", "3.2 µs"),
        (4e-10, "s", "0.4 ns"),
        (412.0, "MB/s", "412 MB/s"),
        (0.161, "", "0.161"),
    ],
)
def test_amounts(value: float, unit: str, words: str):
    assert amount_words(value, unit) == words


def test_inputs():
    used = InputsUsed("cases", 36, 4, True, "d", (("cases", 4), ("mutated", 24), ("grown", 8)))
    assert inputs_words(used) == "36 cases (24 mutated, 8 grown)"
    assert inputs_words(InputsUsed("command", 1, 1, False, "d")) == "1 metric"
    assert inputs_words(InputsUsed("captured", 5, 5, False, "d")) == "5 captured inputs"


def test_builds():
    timed = ("g++", "-O2", "-march=native", "a.cpp", "-o", "program")
    build = Build("g++", "g++ (Debian 12.2.0-14) 12.2.0", timed, (), ("address", "undefined"))
    assert build_words(build) == "g++ 12.2.0 -O2 -march=native, ASan and UBSan clean"
    assert build_words(replace(build, sanitizers=())) == "g++ 12.2.0 -O2 -march=native"


def test_clocks():
    made = receipt()
    assert made.measurement is not None
    assert clock_words(made) == "CPU time"
    assert clock_words(replace(made, measurement=replace(made.measurement, clock="wall"))) == (
        "wall time"
    )
