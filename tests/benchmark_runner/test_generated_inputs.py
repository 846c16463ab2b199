"""Inputs made from the code alone."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import deque
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from analysis.errors import Cancelled
from analysis.progress import CancelToken
from benchmark_runner.errors import WorkloadError
from benchmark_runner.inputs.generated import generate
from benchmark_runner.worker.harness import decode_plain

Call = tuple[tuple[Any, ...], dict[str, Any]]


def calls(text: str, name: str = "f", seed: int = 0) -> list[Call]:
    found = generate(dedent(text), Path("mod.py"), name, seed=seed)
    return [decode_plain(data) for data in found]


def first(text: str, name: str = "f") -> list[Any]:
    """The first argument of each call."""
    return [args[0] for args, _ in calls(text, name) if args]


@pytest.mark.parametrize(
    ("hint", "kind", "element"),
    [
        ("list[int]", list, int),
        ("List[str]", list, str),
        ("'list[float]'", list, float),
        ("tuple[int, ...]", tuple, int),
        ("Sequence[bytes]", list, bytes),
        ("set[str]", set, str),
        ("FrozenSet[int]", frozenset, int),
        ("deque[int]", deque, int),
        ("Iterable[complex]", list, complex),
        ("Mapping[str, int]", dict, str),
        ("list[tuple[int, str]]", list, tuple),
        ("list[list[int]]", list, list),
        ("Grid", list, list),
        ("list[Key]", list, int),
        ("list[T]", list, int),
        ("list[Row]", list, dict),
    ],
)
def test_hints(hint: str, kind: type, element: type) -> None:
    text = f"""
    from __future__ import annotations
    from typing import *
    from collections import deque
    Grid = list[list[float]]
    Key = NewType("Key", int)
    T = TypeVar("T")
    class Row(TypedDict):
        name: str
        amount: float
    def f(x: {hint}):
        return x
    """
    values = first(text)
    assert {type(v) for v in values} == {kind}
    assert {type(item) for value in values for item in value} == {element}


def test_typed_dict_has_its_fields() -> None:
    text = """
    from typing import TypedDict
    class Row(TypedDict):
        name: str
        amount: float
    def f(row: Row):
        return row
    """
    for row in first(text):
        assert (type(row["name"]), type(row["amount"])) == (str, float)


def test_literal_optional_and_union() -> None:
    text = """
    from typing import Literal, Optional
    def f(xs: list[int], mode: Literal["a", 2], y: Optional[str], z: int | bytes | None):
        return xs
    """
    found = calls(text)
    assert {args[1] for args, _ in found} == {"a", 2}
    assert {type(args[2]) for args, _ in found} == {str, type(None)}
    assert {type(args[3]) for args, _ in found} == {int, bytes, type(None)}


def test_keyword_only_and_defaults() -> None:
    text = """
    def f(xs: list[int], reverse=False, *, limit: int = 10, key=None):
        return key(xs) if key else sorted(xs, reverse=reverse)[:limit]
    """
    found = calls(text)
    assert any("limit" in kwargs for _, kwargs in found)
    assert any("limit" not in kwargs for _, kwargs in found)
    assert any(len(args) == 1 for args, _ in found)
    assert all("key" not in kwargs for _, kwargs in found), "a function can't be made"


def test_a_third_is_of_useful_size() -> None:
    values = first("def f(xs: list[int]):\n    return sorted(xs)\n")
    assert 60 <= len(values) <= 110
    assert sum(len(v) >= 100 for v in values) >= len(values) / 3
    assert [] in values
    assert any(len(v) == 1 for v in values)


def test_every_stretch_has_small_and_large_ones() -> None:
    sizes = [len(v) for v in first("def f(xs: list[int]):\n    return sorted(xs)\n")]
    for start in range(0, 60, 20):
        stretch = sizes[start : start + 20]
        assert min(stretch) < 10
        assert max(stretch) >= 100


def test_uses_of_an_unannotated_list() -> None:
    text = """
    def f(items):
        total = 0
        for item in items:
            total += item * 2
        return total
    """
    assert {type(v) for v in first(text)} == {list}


def test_uses_of_text() -> None:
    text = """
    def f(line):
        return [part.strip() for part in line.split("|")]
    """
    values = first(text)
    assert {type(v) for v in values} == {str}
    assert any(v.count("|") > 5 for v in values)


def test_uses_of_rows() -> None:
    text = """
    def f(rows):
        total = 0.0
        for row in rows:
            if row["kind"] == "sale":
                total += row["price"] * row["count"]
        return total
    """
    rows = [row for value in first(text) for row in value]
    assert {frozenset(row) for row in rows} == {frozenset(("kind", "price", "count"))}
    kinds = [row["kind"] for row in rows]
    assert 0.2 < kinds.count("sale") / len(kinds) < 0.9


def test_uses_of_a_dict() -> None:
    text = """
    def f(counts):
        return [k for k, v in counts.items() if v > 1]
    """
    assert {type(v) for v in first(text)} == {dict}


def test_pairs_in_a_list() -> None:
    text = """
    def f(points):
        return max((x - y) ** 2 for x, y in points)
    """
    assert {len(p) for value in first(text) for p in value} == {2}


def test_uses_in_a_called_function_count() -> None:
    text = """
    def helper(words):
        return " ".join(w.lower() for w in words)
    def f(x):
        return helper(x)
    """
    assert {type(item) for value in first(text) for item in value} == {str}


def test_a_target_is_found_about_half_of_the_time() -> None:
    text = """
    def f(items, target):
        for i, item in enumerate(items):
            if item == target:
                return i
        return -1
    """
    large = [(args[0], args[1]) for args, _ in calls(text) if len(args[0]) >= 10]
    hits = sum(target in items for items, target in large)
    assert 0.3 < hits / len(large) < 0.95


def test_common_elements_of_two_lists() -> None:
    text = "def f(a, b):\n    return [x for x in a if x in b]\n"
    large = [args for args, _ in calls(text) if len(args[0]) >= 30]
    assert sum(bool(set(a) & set(b)) for a, b in large) > len(large) * 0.8


def test_an_index_lies_within() -> None:
    text = """
    def f(xs: list[int], i: int):
        return xs[i]
    """
    large = [args for args, _ in calls(text) if len(args[0]) >= 10]
    assert sum(0 <= i < len(xs) for xs, i in large) > len(large) * 0.7


def test_indexes_into_what_may_be_none() -> None:
    made = calls(
        """
        from typing import Optional
        def f(table: Optional[list[int]], places: list[int]):
            return [table[p] for p in places] if table else []
        """
    )
    assert any(args[0] is None for args, _ in made)
    assert any(args[0] and args[1] and max(args[1]) < len(args[0]) for args, _ in made)


def test_zipped_sequences_are_as_long() -> None:
    text = """
    def f(xs, ys):
        return sum(x * y for x, y in zip(xs, ys))
    """
    large = [args for args, _ in calls(text) if len(args[0]) >= 10]
    assert all(len(xs) == len(ys) for xs, ys in large)


def test_graph_points_into_itself() -> None:
    text = """
    def f(graph: dict[str, list[str]], start: str):
        seen, todo = [start], [start]
        while todo:
            for other in graph[todo.pop(0)]:
                if other not in seen:
                    seen.append(other)
                    todo.append(other)
        return seen
    """
    large = [args[0] for args, _ in calls(text) if len(args[0]) >= 30]
    assert large
    assert all(other in graph for graph in large for others in graph.values() for other in others)


@pytest.mark.parametrize(
    "text",
    [
        "import bisect\ndef f(xs, x):\n    return bisect.bisect_left(xs, x)\n",
        "def f(sorted_values: list[int]):\n    return sorted_values[0]\n",
    ],
)
def test_sorted_where_the_code_says_so(text: str) -> None:
    assert all(value == sorted(value) for value in first(text))


def test_recursion_in_two_branches_stays_small() -> None:
    text = """
    def f(n):
        return n if n < 2 else f(n - 1) + f(n - 2)
    """
    assert max(first(text)) <= 30


def test_floats_are_numbers() -> None:
    values = [x for value in first("def f(xs: list[float]):\n    return xs\n") for x in value]
    assert all(x == x for x in values)


def test_a_function_without_parameters_has_one_call() -> None:
    assert calls("def f():\n    return 1\n") == [((), {})]


def test_static_and_class_methods() -> None:
    text = """
    class C:
        @staticmethod
        def s(n: int):
            return n
        @classmethod
        def c(cls, name: str):
            return name
    """
    assert {type(args[0]) for args, _ in calls(text, "C.s")} == {int}
    assert {type(args[0]) for args, _ in calls(text, "C.c") if args} == {str}


def test_a_nested_function_means_the_enclosing_one() -> None:
    text = """
    def outer(xs: list[int]):
        def inner(y):
            return y
        return [inner(x) for x in xs]
    """
    assert calls(text, "outer.<locals>.inner") == calls(text, "outer")


@pytest.mark.parametrize(
    ("text", "name", "said"),
    [
        ("def f(thing):\n    return thing\n", "f", "'thing'"),
        ("def f(xs, key):\n    return [key(x) for x in xs]\n", "f", "'key'"),
        ("def f(people):\n    return [p.name for p in people]\n", "f", "'people'"),
        ("class A: pass\ndef f(a: A, n: int):\n    return n\n", "f", "type A"),
        ("def f(g: Callable[[int], int]):\n    return g(1)\n", "f", "Callable"),
        ("class A:\n    def m(self, n: int):\n        return n\n", "A.m", "receiver"),
        ("def g():\n    pass\n", "f", "no such function"),
        ("def f(:\n", "f", "line 1"),
    ],
)
def test_what_can_not_be_made_is_named(text: str, name: str, said: str) -> None:
    with pytest.raises(WorkloadError) as caught:
        calls(text, name)
    assert caught.value.code == "inputs-none"
    assert said in caught.value.message
    assert name in caught.value.message
    assert "inputs()" in caught.value.mend
    assert "--workload" in caught.value.mend


MIXED = "def f(xs: list[str], n: int, ys: set[int]):\n    return xs[n], ys\n"


def test_the_same_for_the_same_seed_and_others_for_another() -> None:
    assert calls(MIXED) == calls(MIXED)
    assert calls(MIXED, seed=1) != calls(MIXED)


def test_the_same_in_every_process() -> None:
    code = (
        "import sys, hashlib; sys.path[:0] = sys.argv[1:2]\n"
        "from pathlib import Path\n"
        "from benchmark_runner.inputs.generated import generate\n"
        "made = generate(sys.argv[2], Path('mod.py'), 'f')\n"
        "print(hashlib.sha256(b''.join(made)).hexdigest())"
    )
    root = str(Path(__file__).resolve().parents[2])
    said = [
        subprocess.run(
            [sys.executable, "-c", code, root, MIXED],
            env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True,
        ).stdout
        for seed in ("1", "2")
    ]  # fmt: skip
    assert said[0] == said[1]


def test_odd_values_are_among_them() -> None:
    """Those of hypothesis: characters that change their length in upper case, and the like."""
    values = first("def f(s: str):\n    return s.upper()\n")
    assert any(not v.isascii() for v in values)


def test_cancelled() -> None:
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        generate(MIXED, Path("mod.py"), "f", cancel=cancel)
