"""Types and sizes of arguments, without their values."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from benchmark_runner.worker.harness import encode
from benchmark_runner.worker.shapes import argument_shapes


def shape(*args: Any, **kwargs: Any) -> str | None:
    return argument_shapes(encode({"outcome": None, "arguments": (args, kwargs)}))


@pytest.mark.parametrize(
    ("args", "shown"),
    [
        (([(1, 2)] * 280,), "list of 280 (tuple of 2 (int))"),
        ((["secret", "hush"], 3, None), "list of 2 (str of 6 or str of 4), int, None"),
        ((["a" * n for n in range(9)],), "list of 9 (str)"),
        (({"k": 1.5, "l": [True]},), "dict of 2 (str of 1: float or list of 1 (bool))"),
        (([[[[[1]]]]],), "list of 1 (list of 1 (list of 1 (list of 1 (...))))"),
        ((set(), b"xyz"), "set of 0, bytes of 3"),
    ],
)
def test_types_and_sizes_are_named(args: tuple[Any, ...], shown: str) -> None:
    assert shape(*args) == shown


def test_objects_show_their_type_only() -> None:
    found = shape(Counter({"hush": 3}), row=2)
    assert found is not None
    assert "Counter" in found
    assert found.endswith(", row=int")
    assert "hush" not in found


@pytest.mark.parametrize("payload", [b"", b"N", encode({"outcome": 1}), encode({"arguments": 5})])
def test_what_shows_no_arguments_gives_none(payload: bytes) -> None:
    assert argument_shapes(payload) is None
