"""Inputs made by changing the given ones: ties kept, edges met, the same for the same seed."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest

from benchmark_runner.inputs.correlations import find_ties
from benchmark_runner.inputs.mutation import Seed, mutated
from benchmark_runner.worker import harness
from benchmark_runner.worker.observations import Extra


def seeds(*calls: tuple[Any, ...]) -> list[Seed]:
    return [Seed(n, dict(enumerate(args)), len(args)) for n, args in enumerate(calls)]


def made(*calls: tuple[Any, ...], **options: Any) -> list[Any]:
    return [harness.decode_plain(e.value)[0] for e in mutated(seeds(*calls), **options)]


def test_the_same_seeds_give_the_same_inputs() -> None:
    calls = (([3, 1, 2], {"a": 1.5}, "word"), ([4], {"b": 2.5}, "İ"))
    first, again = mutated(seeds(*calls)), mutated(seeds(*calls))
    assert first == again
    assert len(first) > 20
    assert mutated(seeds(*calls), number=1) != first


def test_no_input_is_made_twice_or_given_already() -> None:
    given = seeds(([1, 2], 5), ([7], 1))
    found = [extra.value for extra in mutated(given)]
    assert len(set(found)) == len(found)
    assert not set(found) & {seed.changed(seed.values, "").value for seed in given}


def test_edges_of_floats_texts_and_ints() -> None:
    floats = [x for (xs,) in made(([2.5, 1.5, 3.5],)) for x in xs]
    assert any(math.isinf(x) for x in floats)
    assert any(x != x for x in floats)
    assert any(x == 0 and math.copysign(1, x) < 0 for x in floats)
    texts = [text for (text,) in made(("Some words",))]
    assert "" in texts
    assert any("\u0130" in text for text in texts)
    ints = [x for (x,) in made((5,))]
    assert {0, 2**31, 2**63} <= set(ints)
    assert min(ints) == 0  # no given one is negative
    assert min(x for (x,) in made((5,), (-3,))) < -1


def test_floats_stay_finite_where_roundings_are_told() -> None:
    floats = [x for (xs,) in made(([1.5, 2.5, 3.5],), finite=True) for x in xs]
    assert floats
    assert all(math.isfinite(x) and abs(x) < 1e300 for x in floats)


def test_lists_are_emptied_doubled_reversed_and_repeated() -> None:
    lists = [xs for (xs,) in made(([3, 1, 2],))]
    assert [] in lists
    assert [2, 1, 3] in lists
    assert [3, 3, 1, 1, 2, 2] in lists
    assert [3, 3, 3] in lists


def test_an_int_follows_the_length_that_it_is() -> None:
    found = made(([3, 1, 2], 3), ([5], 1))
    assert len({len(xs) for xs, _ in found}) > 3
    assert all(n == len(xs) for xs, n in found)


def test_lists_of_one_length_and_sorted_ones_stay_so() -> None:
    found = made(([1, 2, 5], ["a", "b", "c"]), ([4, 6], ["x", "y"]))
    assert all(len(a) == len(b) for a, b in found)
    assert all(a == sorted(a) for a, _ in found)
    assert any(len(a) > len(set(a)) for a, _ in found)


def test_members_and_indexes_stay_within() -> None:
    found = made(({"a": 1, "b": 2}, "b"), ({"c": 3}, "c"))
    assert len(found) > 10
    assert all(key in table for table, key in found if table)
    graphs = made(([[1, 2], [0], [3], [0, 1]], 2), ([[0], [1, 0], [2]], 1))
    assert all(n < len(graph) for graph, _ in graphs for row in graph for n in row)


def test_rows_keep_their_length_where_all_have_one() -> None:
    for (rows,) in made(([[1, 2], [3, 4], [5, 6]],)):
        assert all(len(row) == 2 for row in rows)


def test_large_calls_are_cut_before_they_are_changed() -> None:
    found = made((list(range(100_000)), 100_000))
    assert found
    assert max(len(xs) for xs, _ in found) < 200


def test_of_a_call_with_other_types_only_the_builtin_arguments_change() -> None:
    partly = Seed(4, {1: [1, 2], "key": 3}, None)
    found = mutated([partly])
    assert {extra.seed for extra in found} == {4}
    assert all(set(harness.decode_plain(extra.value)) == {1, "key"} for extra in found)
    assert isinstance(found[0], Extra)


def test_ties_hold_in_every_call_or_are_none() -> None:
    tied = find_ties([{0: [1, 2, 3], 1: 3}, {0: [1], 1: 1}])
    assert tied.length == {1: (0, 0)}
    loose = find_ties([{0: [1, 2, 3], 1: 3}, {0: [1], 1: 7}])
    assert loose.length == {}
    assert loose.within == {}
    mended = tied.mended({0: [5, 5], 1: 3}, 0, random.Random(0))
    assert mended == {0: [5, 5], 1: 2}


@pytest.mark.parametrize(
    ("seeds", "odd"),
    [
        ([{0: 1, 1: [1, 2]}, {0: 5, 1: 7}], 7),  # held in some calls
        ([{0: [1, 2, 3], 1: 3}], None),
        ([{0: [1, 2, 3], 1: 1}], 4),
        ([{0: [3, 1], 1: [2, 4]}], None),
        ([{0: {1: 2}, 1: {1: 3}}], [1]),
        ([{0: [0, 1, 2, 1, 0, 1], 1: [5, 6, 7]}], 2),
    ],
)
def test_what_is_no_container_this_time_ends_nothing(
    seeds: list[dict[int | str, Any]], odd: Any
) -> None:
    ties = find_ties(seeds)
    for place in (0, 1):
        for seed in range(8):
            made = ties.mended({**seeds[0], place: odd}, place, random.Random(seed))
            assert set(made) == {0, 1}
            assert type(made[place]) in (type(odd), int)


def test_deeply_nested_arguments_are_changed_in_bounded_steps() -> None:
    tree: list[Any] = [1, 2]
    for _ in range(30):  # three ways to change each level would be 3**30
        tree = [tree, "leaf", 3]
    found = made((tree,))
    assert len(found) > 20
    assert [] in [x for (x,) in found]
