"""Counterexamples are made small, and their snippets show the difference when they are run."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from benchmark_runner.equality.simpler import simpler, weight
from benchmark_runner.receipt import Counterexample
from benchmark_runner.verify import FunctionBench
from benchmark_runner.workload import FunctionWorkload, GeneratedInputs, InputsFile, Version

PYTHON = Path(sys.executable)


def smallest(values: tuple[Any, ...], fails: Callable[..., bool]) -> tuple[Any, ...]:
    """What greedy shrinking comes to, without workers."""
    assert fails(*values)
    for _ in range(1000):
        found = next((one for one in simpler(values) if fails(*one)), None)
        if found is None:
            return values
        values = found
    raise AssertionError("shrinking does not end")


def test_a_list_shrinks_to_the_element_that_matters() -> None:
    assert smallest(([5, 3, 9, 700, 2, 1],), lambda a: any(x > 100 for x in a)) == ([101],)


def test_two_lists_of_one_length_and_the_number_that_counts_them_shrink_together() -> None:
    def fails(keys: list[str], values: list[int], n: int) -> bool:
        return len(keys) == len(values) == n and any(
            k == "x" and v == 7 for k, v in zip(keys, values, strict=True)
        )

    assert smallest((["a", "b", "x", "c"], [1, 2, 7, 3], 4), fails) == (["x"], [7], 1)


def test_columns_of_a_table_go_together() -> None:
    def fails(rows: list[list[int]]) -> bool:
        return len({len(r) for r in rows}) == 1 and any(9 in r for r in rows)

    assert smallest(([[1, 2, 3], [4, 9, 6], [7, 8, 1]],), fails) == ([[9]],)


def test_equal_values_stay_equal() -> None:
    assert smallest((["pear", "fig"], "pear"), lambda a, x: x in a) == ([""], "")


def test_an_object_in_two_places_stays_one() -> None:
    row = [4, 5]
    (found,) = smallest(([row, row],), lambda a: len(a) == 2 and a[0] is a[1] and bool(a[0]))
    assert found == [[0], [0]]
    assert found[0] is found[1]


def test_texts_dicts_and_floats_shrink() -> None:
    assert smallest(("hello \u0130!",), lambda s: "\u0130" in s) == ("\u0130",)
    assert smallest(({"a": 1, "b": 2, "c": 3},), lambda d: "b" in d) == ({"b": 0},)
    assert smallest((3.14159,), lambda x: x != int(x)) == (3.1,)


def test_what_is_tried_always_weighs_less() -> None:
    values = ([3, -1.5, "ab", {"k": (1, 2)}, {4, 5}, None, True], 7)
    assert all(weight(one) < weight(values) for one in simpler(values))


def counterexample(
    folder: Path, before: str, after: str, inputs: str | None, function: str = "f"
) -> Counterexample:
    path, given = folder / "mod.py", folder / "given_inputs.py"
    path.write_text(before)
    source: InputsFile | GeneratedInputs = GeneratedInputs()
    if inputs is not None:
        given.write_text(f"def inputs():\n    return {inputs}\n")
        source = InputsFile(given)
    work = FunctionWorkload(path, function, Version.of({path: before}), source)
    with FunctionBench(work, python=PYTHON, allow_unsandboxed=True) as bench:
        found = bench.prove(Version.of({path: after}), origin="user").counterexample
    assert found is not None
    return found


def ran(folder: Path, text: str, snippet: str) -> str:
    (folder / "mod.py").write_text(text)
    done = subprocess.run(
        [sys.executable, "-B", "-c", snippet], capture_output=True, text=True, timeout=30
    )
    return done.stdout + done.stderr.strip().rpartition("\n")[2]


BOX = "class Box:\n    def __init__(self, size):\n        self.size = size\n"
SHOWN = [
    (
        "def f(a, n):\n    return [x for x in a if x != 3][:n]\n",
        "def f(a, n):\n    return [x for x in a][:n]\n",
        "[((list(range(40)), 40), {})]",
        "[]",
        "[3]",
    ),
    (
        "def f(a):\n    return max(a)\n",
        "def f(a):\n    a.sort()\n    return a[-1]\n",
        "[((list(range(30, 0, -1)),), {})]",
        "1\n[[1, 0]] {}",
        "1\n[[0, 1]] {}",
    ),
    (
        "def f(d, k):\n    return d[k]\n",
        "def f(d, k):\n    return d.get(k)\n",
        "[(({'some': 1, 'more': 2}, 'other'), {})]",
        "KeyError: ''",
        "None",
    ),
    (
        "def f(n):\n    yield from range(n)\n",
        "def f(n):\n    yield from range(min(n, 5))\n",
        "[((30,), {})]",
        "[0, 1, 2, 3, 4, 5]",
        "[0, 1, 2, 3, 4]",
    ),
    (
        BOX + "def f(box, a):\n    return [x for x in a if x < box.size]\n",
        BOX + "def f(box, a):\n    return [x for x in a if x <= box.size]\n",
        "[((__import__('mod').Box(3), list(range(9))), {})]",
        "[]",
        "[3]",
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", SHOWN, ids=lambda case: case[1].splitlines()[-1].strip())
def test_snippets_show_the_smallest_difference(tmp_path: Path, case: tuple[str, ...]) -> None:
    before, after, inputs, first, second = case
    found = counterexample(tmp_path, before, after, inputs)
    assert found.stage in ("file", "mutated")
    assert found.snippet is not None
    assert ran(tmp_path, before, found.snippet).strip() == first
    assert ran(tmp_path, after, found.snippet).strip() == second


def test_generated_inputs_shrink_and_name_their_stage(tmp_path: Path) -> None:
    before = "def f(xs: list[int]) -> int:\n    return sum(x for x in xs if x > 0)\n"
    found = counterexample(tmp_path, before, before.replace("> 0", "> 1"), None)
    assert found.call == "f([1])"
    assert found.stage == "generated"
    assert (found.before, found.after) == ("returned 1", "returned 0")


def test_an_order_that_leaks_names_the_hash_seed(tmp_path: Path) -> None:
    # Under the first seed both words come in this order by chance, under the other they do not.
    before = "def f(words):\n    return sorted(words)\n"
    script = "import sys; print(*set(sys.argv[1:]))"
    words = ["ab", "cd", "ef", "gh", "ij", "kl", "mn"]
    orders = {}
    for one in words:
        for other in words:
            if one < other:
                out = [
                    subprocess.run(
                        [sys.executable, "-c", script, one, other],
                        capture_output=True,
                        text=True,
                        env={"PYTHONHASHSEED": seed},
                    ).stdout.split()
                    for seed in ("0", "1")
                ]
                orders[one, other] = out
    pair = next(p for p, (zero, first) in orders.items() if zero == [*p] and first != [*p])
    # All other inputs, also hasten's own, are answered as the original does.
    after = (
        f"def f(words):\n    return list(set(words)) if words == {list(pair)} else sorted(words)\n"
    )
    found = counterexample(tmp_path, before, after, f"[(({list(pair)},), {{}})]")
    assert found.stage == "hash seed"
    assert found.snippet is not None
    assert "PYTHONHASHSEED=1" in found.snippet


def test_a_difference_in_a_sequence_is_shown_by_its_shortest_sequence(tmp_path: Path) -> None:
    before = dedent(
        """
        _last = [0]
        def f(n):
            before = _last[0]
            _last[0] = n
            return n + 100 * (before > n)
        """
    )
    after = before.replace("before > n", "before > n + 1")
    found = counterexample(tmp_path, before, after, "[((n,), {}) for n in (1, 2, 3, 4)]")
    assert found.stage == "sequence"
    assert found.snippet is not None
    assert sum(line.lstrip("print(").startswith("f(") for line in found.snippet.splitlines()) == 2
    assert int(ran(tmp_path, before, found.snippet)) == int(found.before.split()[-1])
    assert int(ran(tmp_path, after, found.snippet)) == int(found.after.split()[-1])
