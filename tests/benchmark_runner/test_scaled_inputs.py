"""Calls grown to a multiple of their size, with what belongs together kept together."""

from __future__ import annotations

from typing import Any

import pytest

from benchmark_runner.inputs.scaled import scaled
from benchmark_runner.worker import harness


def grown(factor: int, *args: Any, **kwargs: Any) -> Any:
    found = scaled(harness.encode((args, kwargs)), factor)
    return None if found is None else harness.decode_plain(found)


def test_distinct_values_stay_distinct_and_order_stays() -> None:
    (items,), _ = grown(4, [1, 2, 3, 5])
    assert len(items) == 16
    assert len(set(items)) == 16
    assert items == sorted(items)
    assert grown(2, [9, 7, 3]) == (([16, 14, 10, 9, 7, 3],), {})


def test_values_that_repeat_are_repeated() -> None:
    (flags, count), _ = grown(2, [0, 1, 1, 0, 1, 0, 0, 1], 8)
    assert flags == [0, 1, 1, 0, 1, 0, 0, 1] * 2
    assert count == 16


def test_members_of_another_container_stay_members() -> None:
    (items, wanted), _ = grown(2, [1, 2, 3, 5], [2, 5])
    assert wanted == [2, 5, 7, 10]
    assert set(wanted) < set(items)


@pytest.mark.parametrize("graph", [{0: [1], 1: [2], 2: [0]}, [[1], [2], [0]]], ids=["dict", "list"])
def test_a_graph_becomes_more_graphs(graph: Any) -> None:
    (found, start), _ = grown(3, graph, 0)
    nodes = set(found) if isinstance(found, dict) else set(range(len(found)))
    assert nodes == set(range(9))
    assert start == 0
    assert all(
        found[node][0] // 3 == node // 3 and found[found[found[node][0]][0]][0] == node
        for node in nodes
    )


def test_edges_and_their_number_of_nodes_grow_together() -> None:
    (edges, n), _ = grown(2, [(0, 1), (1, 2), (2, 3)], 4)
    assert n == 8
    assert edges[3:] == [(4, 5), (5, 6), (6, 7)]


def test_texts_separators_and_fields() -> None:
    assert grown(2, "a,b", ",") == (("a,b,a,b", ","), {})
    (names, name), _ = grown(2, ["pear", "fig", "plum"], "fig")
    assert (len(set(names)), name) == (6, "fig")
    (rows,), _ = grown(2, [{"id": 1, "n": "a"}, {"id": 2, "n": "b"}])
    assert all(set(row) == {"id", "n"} for row in rows)
    assert len(rows) == 4


def test_a_square_stays_one() -> None:
    (matrix,), _ = grown(4, [[1, 2], [3, 4]])
    assert [len(row) for row in matrix] == [4, 4, 4, 4]


def test_what_cannot_grow() -> None:
    assert grown(2, []) is None
    assert grown(2, 1.5, None) is None
    assert scaled(b"no such bytes", 2) is None
    with pytest.raises(ValueError, match="below 1"):
        scaled(harness.encode((([1],), {})), 0)
    assert grown(2, 10) == ((20,), {})
