"""Relations that are learned from the original, and what they find on inputs that nobody gave."""

from __future__ import annotations

import math
import random
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from benchmark_runner.receipt import Receipt
from benchmark_runner.relations.algebra import Equation, learn, samples_needed
from benchmark_runner.relations.laws import LIST_LAWS, Law
from benchmark_runner.verify import FunctionBench
from benchmark_runner.workload import FunctionWorkload, InputsFile, Version

NAMES = ("f(x)", "f(r)", "f(x+r)", "f(x-r)")


def learned(f: Callable[[float], float], whole: bool = False) -> tuple[Equation, ...]:
    rng = random.Random(3)
    rows = []
    for _ in range(samples_needed(len(NAMES)) + 10):
        x, r = (rng.randint(-20, 20) if whole else rng.uniform(-2, 2) for _ in range(2))
        rows.append((f(x), f(r), f(x + r), f(x - r)))
    return learn(NAMES, rows)


@pytest.mark.parametrize(
    ("f", "whole", "text"),
    [
        (lambda x: 3 * x + 2, True, "2*f(x) = f(x+r) + f(x-r)"),
        (lambda x: x * x, True, "2*f(x) + 2*f(r) = f(x+r) + f(x-r)"),
        (math.cos, False, "2*f(x)*f(r) = f(x+r) + f(x-r)"),
        (math.exp, False, "f(x)*f(r) = f(x+r)"),
        (
            math.tanh,
            False,
            "f(x)*f(x+r) + f(x)*f(x-r) + f(r)*f(x-r) = f(r)*f(x+r) + 2*f(x+r)*f(x-r)",
        ),
    ],
)
def test_known_relations_are_found(f: Callable[[float], float], whole: bool, text: str) -> None:
    assert text in {str(e) for e in learned(f, whole)}


@pytest.mark.parametrize(
    "f",
    [
        lambda x: math.cos(x) if abs(x) < 1.9 else 0.3,  # a planted edge
        lambda x: 5.0,
        lambda x: bin(abs(round(x * 1000))).count("1"),
        lambda x: math.nan,
        lambda x: 1e308 * x * x,
    ],
)
def test_nothing_is_found_where_nothing_holds(f: Callable[[float], float]) -> None:
    assert learned(f) == ()


def test_an_equation_of_ints_holds_exactly_and_one_of_floats_up_to_rounding() -> None:
    [equation] = learned(lambda x: x * x, whole=True)
    big = 10**20
    rows = (big**2, 1, (big + 1) ** 2, (big - 1) ** 2)
    assert equation.holds(rows)
    assert not equation.holds((big**2 + 1, *rows[1:]))
    assert equation.holds((0.01, 0.04, 0.09 + 1e-12, 0.01))
    assert not equation.holds((0.01, 0.04, 0.09 + 1e-5, 0.01))


def test_laws_of_lists_tell_what_holds() -> None:
    def held(f: Callable[[list[int]], object]) -> set[str]:
        rng = random.Random(5)
        found = {law.text for law in LIST_LAWS}
        for n in (3, 5, 8):
            u, v = (
                [rng.randint(0, 99) for _ in range(n)],
                [rng.randint(0, 99) for _ in range(n + 1)],
            )
            found -= {
                law.text for law in LIST_LAWS if not law.holds([f(p) for p in law.points(u, v)])
            }
        return found

    assert held(max) >= {"f(u joined with v) = max(f(u), f(v))", "f(u plus 7) = f(u) plus 7"}
    assert held(lambda u: [x * x for x in u]) == {
        "f(u joined with v) = f(u) joined with f(v)", "f(u reversed) = f(u) reversed",
    }  # fmt: skip
    assert held(sorted) == {
        "f(u reversed) = f(u)", "f(u in another order) = f(u)", "f(u plus 7) = f(u) plus 7",
        "f(3*u) = 3*f(u)",
    }  # fmt: skip
    assert held(lambda u: u[0] * len(u) % 13) == set()


def prove(folder: Path, before: str, after: str, inputs: str) -> Receipt:
    path, given = folder / "work.py", folder / "given.py"
    path.write_text(dedent(before))
    given.write_text("def inputs():\n    return " + inputs + "\n")
    work = FunctionWorkload(path, "f", Version.of({path: dedent(before)}), InputsFile(given))
    with FunctionBench(work, python=Path(sys.executable)) as bench:
        return bench.prove(Version.of({path: dedent(after)}), origin="user")


TRIPLE = """
    def f(n):
        t = 0
        for i in range(n):
            t += 3
        return t
"""


def test_a_version_that_is_right_only_on_small_inputs(tmp_path: Path) -> None:
    after = "def f(n):\n    return max(n, 0) * 3 if len(str(n)) < 5 else 0\n"
    done = prove(tmp_path, TRIPLE, after, "[((n,), {}) for n in (900, 950, 990)]")
    assert done.decision == "different", done.reason
    assert done.counterexample is not None
    assert done.counterexample.stage == "relations"
    assert done.counterexample.after == "returned 0"
    assert done.equality is None


def test_a_right_version_keeps_the_laws(tmp_path: Path) -> None:
    after = "def f(n):\n    return max(n, 0) * 3\n"
    done = prove(tmp_path, TRIPLE, after, "[((n,), {}) for n in (900, 950, 990)]")
    assert done.decision == "faster", done.reason
    assert "2*f(x) = f(x+r) + f(x-r)" in done.relations


def test_rows_that_are_no_numbers_have_no_laws_though_some_answers_are_empty(
    tmp_path: Path,
) -> None:
    before = """
def f(words, n):
    return [(words.count(word), word) for word in sorted(set(words))][:n]
"""
    after = """
from collections import Counter

def f(words, n):
    counted = Counter(words)
    return [(counted[word], word) for word in sorted(counted)][:n]
"""
    inputs = "[((['a%d' % (i % 300) for i in range(900)], n), {}) for n in (0, 0, 5)]"
    done = prove(tmp_path, before, after, inputs)
    assert done.decision == "faster", done.reason
    assert "relations" not in [stage.name for stage in done.stages]


def test_a_law_that_the_original_breaks_on_large_inputs_too(tmp_path: Path) -> None:
    before = """
        def f(xs):
            t = 0
            for i in range(len(xs)):
                t += xs[i] * 1
            return min(t, 90_000)
    """
    after = "def f(xs):\n    return min(sum(xs), 90_000)\n"
    done = prove(tmp_path, before, after, "[((list(range(n)),), {}) for n in (300, 320, 340)]")
    assert done.decision == "faster", done.reason


HUGE = 10**400


@pytest.mark.parametrize(
    "answers",
    [(math.inf, math.inf, math.inf, math.inf), (1e308, -1e308, 1e308, 1e308), (math.nan, 1, 2, 3),
     (HUGE, 1.0, HUGE, HUGE)],
)  # fmt: skip
def test_where_floats_end_an_equation_says_nothing(answers: tuple[float, ...]) -> None:
    [equation] = learned(lambda x: x * x, whole=True)
    assert equation.holds(answers)


@pytest.mark.parametrize("law", LIST_LAWS, ids=lambda law: law.text)
def test_laws_of_lists_take_any_numbers(law: Law) -> None:
    for mixed in ((HUGE, 1.5, -HUGE), (1.5, HUGE, HUGE), (math.inf, -math.inf, 1)):
        count = len(law.points([1], [2]))
        assert law.holds(mixed[:count]) in (True, False)
        assert law.holds([[x, y] for x, y in zip(mixed, mixed[::-1], strict=True)][:count]) in (
            True, False,
        )  # fmt: skip


ODD = """
    def f(n):
        t = 0
        for i in range(n):
            for j in range(2 * i + 1):
                t += 1
        return t LIMIT
"""


@pytest.mark.parametrize(
    ("limit", "after", "decision"),
    [
        ("% 1_000_003", "n * n % 1_000_003", "faster"),
        ("% (10**9 + 7)", "n * n % (10**9 + 7)", "faster"),
        ("% (1 << 40)", "n * n % (1 << 40)", "faster"),
        ("", "n * n", "faster"),
        ("", "n * n if n < 70_000 else 0", "refused"),
    ],
)
def test_where_the_original_does_not_answer_in_time(
    tmp_path: Path, limit: str, after: str, decision: str
) -> None:
    text = f"def f(n):\n    return {after.replace('n * n', 'max(n, 0) ** 2')}\n"
    inputs = "[((n,), {}) for n in (20, 30, 40)]"
    done = prove(tmp_path, ODD.replace("LIMIT", limit), text, inputs)
    assert done.decision == decision, done.reason
