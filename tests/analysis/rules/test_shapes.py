"""What several rules ask of loops and places: names that stay, parentheses, steady bounds."""

from __future__ import annotations

import pytest

from analysis.functions import functions_in
from analysis.rules.catalogue import find

SUM = "def f(xs, ys):\n    total = 0\n    for x in xs:\n        total += x\n    {rest}\n"


def after(text: str, rule: str) -> list[str]:
    findings = find(text, "f.py", functions_in(text, "f.py"))
    return [f.edit.apply(text) for f in findings if f.rule == rule]


@pytest.mark.parametrize(
    ("rest", "count"),
    [
        ("return total", 1),
        ("return total, x", 0),
        ("return total, [x for x in ys]", 1),
        ("return total, [y for y in ys if x]", 0),
        ("for x in ys: print(x)", 1),
        ("for y in ys: print(x)", 0),
    ],
)
def test_the_name_of_a_loop_is_read_after_it(rest: str, count: int) -> None:
    assert len(after(SUM.format(rest=rest), "sum-loop")) == count


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ("x**2 + 1", "x * x + 1"),
        ("1 / x**2", "1 / (x * x)"),
        ("1 / (x**2)", "1 / (x * x)"),
        ("-(x**2)", "-(x * x)"),
        ("abs(x**2)", "abs(x * x)"),
        ("x**2 < 3", "x * x < 3"),
    ],
)
def test_a_product_gets_parentheses_where_it_needs_them(before: str, expected: str) -> None:
    text = f"def f(x: int):\n    return {before}\n"
    assert after(text, "square-multiply") == [f"def f(x: int):\n    return {expected}\n"]


@pytest.mark.parametrize(
    ("call", "count"),
    [("out.append(i)", 1), ("xs.index(i)", 1), ("xs.shrink()", 0), ("work(xs)", 0)],
)
def test_an_unknown_call_may_change_the_bound(call: str, count: int) -> None:
    text = (
        "def f(xs, out, work):\n    i = 0\n    while i < len(xs):\n"
        f"        {call}\n        i += 1\n"
    )
    assert len(after(text, "while-to-range")) == count


def test_a_counter_that_is_set_anew_may_be_used_again() -> None:
    loop = "    i = 0\n    while i < n:\n        work(i)\n        i += 1\n"
    text = f"def f(n, work):\n{loop}{loop}"
    first, second = after(text, "while-to-range")
    assert first.count("while") == second.count("while") == 1
