"""Literals that a function compares with become inputs."""

from __future__ import annotations

from textwrap import dedent
from typing import Any

import pytest

from analysis.progress import CancelToken
from benchmark_runner.inputs.literals import (
    Literals,
    branching,
    largest_number,
    literals_of,
    raised_names,
)
from benchmark_runner.inputs.mutation import Seed
from benchmark_runner.inputs.symbolic import covering
from benchmark_runner.worker import harness


def read(text: str) -> Literals:
    return literals_of(dedent(text), "f")


def calls(literals: Literals, *args: Any) -> list[Any]:
    seed = Seed(0, dict(enumerate(args)), len(args))
    return [harness.decode_plain(extra.value)[0] for extra in branching([seed], literals)]


def test_compared_literals_lengths_and_prefixes() -> None:
    found = read(
        """
        LIMIT = 4096
        def f(x, s):
            if x == 12345 or x > LIMIT or x % 97 == 3 or x == 2 ** 20 - 1:
                return 1
            if len(s) == 7 and s.startswith("ab"):
                return 2
            return s in ("left", "right")
        """
    )
    assert {12345, 4096, 100, 2**20 - 1, "ab", "left", "right"} <= set(found.values)
    assert found.lengths == (7,)


def test_what_it_calls_in_its_file_counts_and_what_it_does_not_does_not() -> None:
    found = read(
        """
        def f(x):
            return inner(x)
        def inner(x):
            return x == 777
        def other(x):
            return x == 888
        """
    )
    assert found.values == (777,)


def test_where_something_is_cut_off_or_ends() -> None:
    found = read(
        """
        def f(xs, n):
            for x in itertools.islice(xs[:500], min(n, 700)):
                pass
            return xs[-300:], xs[1:], xs[:x]
        """
    )
    assert set(found.lengths) == {300, 500, 700}
    assert {500, 700} <= set(found.values)


def test_what_is_too_deep_or_too_large_is_no_trouble() -> None:
    for deep in (" + ".join(["x"] * 1500), "-" * 20_000 + "1", "(" * 500 + ")" * 500):
        assert read(f"def f(x):\n    return {deep}\n") == Literals((), ())
    long = " + ".join(["x"] * 1500)
    assert read(f"def f(x):\n    return x == 7 or {long}\n").values == (7,)
    huge = Literals((10**400,), ())
    assert calls(huge, 1.5, {10**5000, 10**5001}, 3)


def test_the_largest_number_of_a_text() -> None:
    assert largest_number("def f(x): return x % (10**9 + 7) - 5") == 10**9 + 7
    assert largest_number("x = 1 << 40; y = -3; z = True") == 1 << 40
    assert largest_number("not python(") == 0


def test_literals_stand_where_their_type_does() -> None:
    found = calls(Literals((12345,), (7,)), [1, 2], 5, "word")
    assert any(12345 in xs for xs, _, _ in found)
    assert {12344, 12345, 12346} <= {x for _, x, _ in found}
    assert {7} <= {len(text) for _, _, text in found} & {len(xs) for xs, _, _ in found}
    nested = calls(Literals((12345,), ()), {"a": [[1]]})
    assert ({"a": [[12345]]},) in nested


def test_ties_of_the_given_call_are_kept_beside_what_breaks_them() -> None:
    found = calls(Literals((), (7,)), [1, 2, 3], 3)
    assert any(len(xs) == n == 7 for xs, n in found)


def test_exceptions_that_a_file_raises_by_name() -> None:
    text = "def f(x):\n    raise ValueError('no')\ndef g():\n    raise E\n"
    assert raised_names(text) == {"ValueError", "E"}
    assert raised_names("def f(:") == frozenset()


def test_a_text_that_does_not_parse_has_none() -> None:
    assert not read("def f(:\n")
    assert not read("def g(x):\n    return x == 5\n")
    assert read("def f(x):\n    return x == 50\n").without(Literals((50,), ())) == Literals((), ())


def test_crosshair_finds_what_no_literal_tells() -> None:
    pytest.importorskip("crosshair")
    text = "def f(x):\n    if x * 3 + 1 == 12346:\n        return 0\n    return x * 2\n"
    found = covering(text, "f", seconds=10.0, cancel=CancelToken())
    assert ((4115,), {}) in [harness.decode_plain(extra.value) for extra in found]
    assert {extra.source for extra in found} == {"branches"}


def test_crosshair_is_asked_only_for_what_it_can_run() -> None:
    cancel = CancelToken()
    assert covering("def f(x):\n    return x\n", "f", seconds=0.0, cancel=cancel) == []
    assert covering("def f(x):\n    return x.y\n", "f", seconds=9.0, cancel=cancel) == []
    assert covering("def f(:\n", "f", seconds=9.0, cancel=cancel) == []
