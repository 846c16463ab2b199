"""Growth: slopes over grown inputs, what is said of them, and equality on larger inputs."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from benchmark_runner.measuring.growing import (
    call_to_grow,
    grown_calls,
    grows_worse,
    growth_of,
    growth_of_given,
    slope,
)
from benchmark_runner.measuring.samples import Samples
from benchmark_runner.measuring.windows import PairOfWindows, PairRun
from benchmark_runner.receipt import Growth, Receipt
from benchmark_runner.verify import FunctionBench
from benchmark_runner.worker import harness
from benchmark_runner.workload import FunctionWorkload, InputsFile, Version


def prove(tmp_path: Path, before: str, after: str, inputs: str) -> Receipt:
    path, given = tmp_path / "mod.py", tmp_path / "given.py"
    path.write_text(before)
    given.write_text(f"def inputs():\n    return {inputs}\n")
    work = FunctionWorkload(path, "f", Version.of({path: before}), InputsFile(given))
    with FunctionBench(work, python=Path(sys.executable), allow_unsandboxed=True) as bench:
        return bench.prove(Version.of({path: after}), origin="user")


def measured(sizes: Sequence[int], before: float, after: float, start: float) -> Growth:
    found = growth_of(
        "elements",
        sizes,
        [1e-6 * size**before for size in sizes],
        [1e-6 * start * size**after for size in sizes],
    )
    assert found is not None
    return found


@pytest.mark.parametrize("power", [0.0, 1.0, 2.0])
def test_the_slope_is_the_power(power: float) -> None:
    assert slope([10, 20, 40], [3e-6 * n**power for n in (10, 20, 40)]) == pytest.approx(power)


def test_one_size_has_no_slope() -> None:
    with pytest.raises(ValueError, match="no slope"):
        slope([5, 5], [1.0, 1.1])


def test_a_better_growth_is_told_with_its_range() -> None:
    found = measured((100, 200, 400), before=2.0, after=1.0, start=5.0)
    assert grows_worse(found) == ""
    assert found.note.startswith("between 100 and 400 elements time grows with the 1th power")


def test_where_the_slopes_cross_is_an_extrapolation() -> None:
    found = measured((100, 200, 400), before=1.0, after=2.0, start=1e-3)
    said = grows_worse(found)  # n**2 / 1000 passes n at n = 1000
    assert "slower from about 1e+03 elements on" in said
    assert "extrapolated: it was run up to 400" in said
    assert said in found.note


def test_slower_within_the_range_is_measured() -> None:
    found = measured((100, 200, 400), before=1.0, after=2.0, start=1 / 200)
    assert grows_worse(found) == (
        "is slower on larger inputs: 0.50x at 400 elements (measured; 2.00x at 100)"
    )


def test_slopes_that_hardly_differ_or_cross_far_out_say_nothing() -> None:
    assert grows_worse(measured((100, 200, 400), before=1.0, after=1.1, start=0.1)) == ""
    assert grows_worse(measured((100, 200, 400), before=1.0, after=1.2, start=0.01)) == ""


def test_calls_too_short_to_have_a_slope() -> None:
    assert growth_of("elements", (1, 2, 4), (1e-7, 1e-7, 1e-7), (1e-7, 1e-7, 1e-7)) is None


def test_a_call_is_grown_and_measured_by_its_longest_argument() -> None:
    made = grown_calls(harness.encode((([5, 3, 8, 1], 2), {})))
    assert made is not None
    assert made.sizes == (4, 8, 16)
    assert made.what == "elements of argument 1"
    assert grown_calls(harness.encode((([],), {}))) is None


def test_the_largest_short_call_is_grown() -> None:
    sizes = {0: 10, 1: 300, 2: 200, 3: 4 << 20}
    costs = {0: 1e-6, 1: 1.0, 2: 1e-3, 3: 1e-3}
    assert call_to_grow([0, 1, 2, 3], sizes, costs) == 2
    assert call_to_grow([1], sizes, costs) is None


def timed(seconds: Sequence[float]) -> Samples:
    pairs = tuple(
        PairOfWindows(index, s, s / 2, s, s / 2, 10, 10) for index, s in enumerate(seconds)
    )
    return Samples([PairRun(pairs, (), 0.0, 0.0, 0.0, 0.0, 1.0, 1.0)])


def test_given_inputs_of_several_sizes_have_a_growth_too() -> None:
    found = growth_of_given(timed([1e-5, 4e-5, 16e-5]), {0: 100, 1: 200, 2: 400})
    assert found is not None
    assert found.before_slope == pytest.approx(2.0)
    assert found.what == "bytes of the encoded arguments"
    assert growth_of_given(timed([1e-5, 2e-5, 3e-5]), {0: 100, 1: 120, 2: 140}) is None


LINEAR = "def f(xs):\n    t = 0\n    for x in xs:\n        t += x * x % 7\n    return t\n"
# A gain that no other work on the machine can hide: what grows is looked at once it is confirmed.
SLOW = LINEAR.replace("        t +=", "        for _ in range(8):\n            x * x\n        t +=")
SQUARES = """\
def f(xs):
    n = len(xs)
    for i in range(0, n * n // 8000):
        i * 3
    return sum([x * x % 7 for x in xs[: n // 2]]) + sum([x * x % 7 for x in xs[n // 2 :]])
"""


def test_a_gain_that_grows_worse_says_so(tmp_path: Path) -> None:
    found = prove(tmp_path, SLOW, SQUARES, "[((list(range(3000 + k)),), {}) for k in range(3)]")
    assert found.decision == "faster", found.reason
    assert found.growth is not None
    assert found.growth.sizes[0] * 4 == found.growth.sizes[2]
    assert found.growth.after_slope > found.growth.before_slope + 0.15
    assert "; but it " in found.reason
    assert math.isclose(found.growth.before_slope, 1.0, abs_tol=0.3)


def test_another_answer_on_a_larger_input_refuses(tmp_path: Path) -> None:
    wrong = (
        "def f(xs):\n    t = sum([x * x % 7 for x in xs])\n    return t if len(xs) < 5000 else 0\n"
    )
    found = prove(tmp_path, SLOW, wrong, "[((list(range(3000 + k)),), {}) for k in range(3)]")
    assert found.decision == "different", found.reason
    assert found.equality is None
    assert found.counterexample is not None
    assert found.counterexample.stage == "grown"
    assert "elements of argument 1" in found.counterexample.call


STUCK = """\
def f(xs):
    while len(xs) > 8000:
        pass
    return sum([x * x % 7 for x in xs])
"""


def test_what_gets_stuck_on_a_larger_input_is_told(tmp_path: Path) -> None:
    found = prove(tmp_path, SLOW, STUCK, "[((list(range(3000 + k)),), {}) for k in range(3)]")
    assert found.decision == "faster", found.reason
    assert found.growth is None
    assert "; but it is not shown to grow as well: on a given call grown to at most" in found.reason


def test_numbers_that_grow_out_of_reach_are_left(tmp_path: Path) -> None:
    before = "def f(n):\n    return n if n < 2 else f(n - 1) + f(n - 2)\n"
    after = (
        "def f(n):\n    if n < 2:\n        return n\n    a, b = 0, 1\n    for _ in range(n):\n"
        "        a, b = b, a + b\n    return a\n"
    )
    found = prove(tmp_path, before, after, "[((n,), {}) for n in (14, 15, 16)]")
    assert found.decision == "faster", found.reason
    assert found.growth is None or len(found.growth.sizes) < 3


@pytest.mark.slow
def test_a_gain_that_is_paid_with_memory_says_so(tmp_path: Path) -> None:
    greedy = "def f(xs):\n    table = bytes(40_000_000)\n    return sum([x * x % 7 for x in xs])\n"
    found = prove(tmp_path, SLOW, greedy, "[((list(range(60_000 + k)),), {}) for k in range(2)]")
    assert found.memory is not None
    assert found.memory.after_peak > 40_000_000
    assert any(note.startswith("memory: takes 38.") for note in found.notes)  # MB
    assert any("MB of memory at its peak" in note for note in found.notes)


def test_less_memory_alone_is_told_and_not_called_faster(tmp_path: Path) -> None:
    before = "def f(n):\n    xs = [bytes(2000) for _ in range(n)]\n    return len(xs)\n"
    after = "def f(n):\n    return sum(len(bytes(2000)) // 2000 for _ in range(n))\n"
    found = prove(tmp_path, before, after, "[((4000 + k,), {}) for k in range(2)]")
    assert found.decision != "different", found.reason
    assert found.memory is not None
    assert found.memory.peak_ratio > 100
    if found.decision != "faster":
        assert found.growth is None
    assert any(note.startswith("memory: takes ") for note in found.notes)
