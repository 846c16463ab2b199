"""What the encoder sees of values whose content is not on their surface."""

from __future__ import annotations

import array
import collections
import itertools
import random
import types
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmark_runner.equality.equivalence import Observation, notes_on, unencodable, unseen
from benchmark_runner.worker import canonical, harness
from tests.benchmark_runner.workers import short


def seen(value: Any, *, state: bool = False) -> bytes:
    harness._learn_special()
    encoder = harness.Encoder(consume=not state, state=state)
    encoder.add(value)
    return bytes(encoder.out)


def numbers() -> Iterator[int]:
    yield from range(5)


class Stack(collections.deque):  # type: ignore[type-arg]
    pass


class Row(array.array):  # type: ignore[type-arg]
    pass


def masked(mask: list[bool], value: float = 2.0) -> Any:
    return np.ma.MaskedArray([1.0, value], mask=mask)


def frozen(value: Any) -> Any:
    value.flags.writeable = False
    return value


DIFFERENT = [
    (np.arange(3), np.arange(3.0)),
    (np.arange(3), np.arange(3, dtype=">i8")),
    (np.zeros((2, 3)), np.zeros((3, 2))),
    (np.zeros(2), np.array([0.0, -0.0])),
    (np.arange(3), frozen(np.arange(3))),
    (masked([False, True]), masked([False, False])),
    (np.array([1, "a"], dtype=object), np.array([1.0, "a"], dtype=object)),
    (np.zeros(2, [("x", "i4"), ("y", "f8")]), np.zeros(2, [("x", "i4"), ("z", "f8")])),
    (np.float64(1.0), 1.0),
    (np.datetime64("2020-01-01"), np.datetime64("2020-01-01T00")),
    (pd.Series([1, 2]), pd.Series([1.0, 2.0])),
    (pd.Series([1, 2]), pd.Series([1, 2], index=[1, 2])),
    (pd.Series([1, 2], name="a"), pd.Series([1, 2], name="b")),
    (pd.Series([1, None], dtype="Int64"), pd.Series([1, None], dtype="float64")),
    (pd.Categorical(["a"], ["a", "b"]), pd.Categorical(["a"], ["b", "a"])),
    (pd.Series(pd.Categorical(["a"], ["a"], True)), pd.Series(pd.Categorical(["a"], ["a"]))),
    (pd.DataFrame({"a": [1], "b": [2]}), pd.DataFrame({"b": [2], "a": [1]})),
    (pd.Index([1], name="a"), pd.Index([1], name="b")),
    (pd.RangeIndex(3), pd.Index([0, 1, 2])),
    (random.Random(1), random.Random(2)),
    (np.random.default_rng(1), np.random.default_rng(2)),
    (Stack([1]), Stack([2])),
    (Row("i", [1]), Row("i", [2])),
    (collections.OrderedDict(a=1, b=2), collections.OrderedDict(b=2, a=1)),
]


@pytest.mark.parametrize(("one", "other"), DIFFERENT, ids=short)
def test_different_contents_have_different_bytes(one: Any, other: Any) -> None:
    assert seen(one) == seen(one)
    assert seen(one) != seen(other)


def padded(garbage: bytes) -> Any:
    """A long double whose bytes beyond the number are these."""
    value = np.zeros(1, dtype=np.longdouble)
    raw = value.view(np.uint8)
    raw[10:] = np.frombuffer(garbage * 6, np.uint8)
    return value


SAME = [
    (np.array([np.nan]), np.array([-np.nan])),
    (np.array([complex(np.nan, 1)]), np.array([complex(-np.nan, 1)])),
    (masked([False, True], 2.0), masked([False, True], 3.0)),
    (np.arange(4.0)[::2], np.array([0.0, 2.0])),
    (np.arange(6).reshape(2, 3).T, np.array([[0, 3], [1, 4], [2, 5]])),
    (pd.Series([np.nan, 1.0]), pd.Series([-np.nan, 1.0])),
    (pd.Timestamp("2020-01-01", tz="UTC"), pd.Timestamp("2020-01-01", tz="UTC")),
]


@pytest.mark.parametrize(("one", "other"), SAME, ids=short)
def test_equal_contents_have_equal_bytes(one: Any, other: Any) -> None:
    assert seen(one) == seen(other)


@pytest.mark.skipif(np.finfo(np.longdouble).nmant != 63, reason="no x87 long double")
def test_padding_of_long_doubles_says_nothing() -> None:
    assert seen(padded(b"\1")) == seen(padded(b"\2"))


def test_memory_that_is_shared_is_seen_with_its_place() -> None:
    base = np.zeros(4)
    assert seen((base[1:], base)) != seen((base[1:].copy(), base))
    assert seen((base[1:], base)) != seen((base[:-1], base))
    buffer = bytearray(8)
    assert seen((np.frombuffer(buffer, "i8"), buffer)) != seen((np.zeros(1, "i8"), bytearray(8)))


def test_how_far_an_iterator_has_come_is_state() -> None:
    for make in (numbers, lambda: iter([1, 2, 3]), itertools.count, lambda: itertools.cycle("ab")):
        source = make()
        before = seen(source, state=True)
        assert seen(source, state=True) == before
        next(source)
        assert seen(source, state=True) != before


def test_arrays_in_globals_are_seen_whatever_their_size() -> None:
    module = types.ModuleType("shop")
    vars(module)["table"] = table = np.zeros(5_000_000)
    before = harness.global_digests([("shop", module)], 1 << 20)
    assert harness.global_digests([("shop", module)], 1 << 20) == before
    table[4_999_999] = 1.0
    assert harness.global_digests([("shop", module)], 1 << 20) != before


def test_an_entry_replaced_in_a_large_global_is_seen() -> None:
    module = types.ModuleType("shop")
    vars(module)["known"] = known = {n: types.SimpleNamespace(x="a" * 50) for n in range(20_000)}
    before = harness.global_digests([("shop", module)], 1 << 20)
    assert harness.global_digests([("shop", module)], 1 << 20) == before
    known[19_999] = types.SimpleNamespace(x="a" * 50)
    assert harness.global_digests([("shop", module)], 1 << 20) != before


def test_what_two_modules_share_is_seen_under_both_names() -> None:
    shop, till = types.ModuleType("shop"), types.ModuleType("till")
    stock = types.SimpleNamespace(items={"tea": object})
    vars(shop)["stock"] = vars(till)["goods"] = stock
    vars(till)["own"] = types.SimpleNamespace(items={"tea": object})
    modules = [("shop", shop), ("till", till)]
    before = harness.global_digests(modules, 1 << 20)
    assert list(before) == ["shop:stock", "till:goods", "till:own"]
    stock.items["tea"] = int
    after = harness.global_digests(modules, 1 << 20)
    changed = {name for name in before if after[name] != before[name]}
    assert changed == {"shop:stock", "till:goods"}


def test_differences_in_arrays_name_the_field() -> None:
    for one, other, field in (
        (np.arange(3), frozen(np.arange(3)), "writeable"),
        (np.arange(3), np.arange(3, dtype="i4"), "dtype"),
        (masked([False, True]), masked([False, False]), "mask"),
    ):
        pair = [harness.encode({"outcome": ("return", x)}) for x in (one, other)]
        found = canonical.compare(*pair)
        assert found.level == "different"
        assert found.path.startswith(f"result.{field}")


def observation(**marks: tuple[str, ...]) -> Observation:
    return Observation(b"", b"", "plain", False, False, 0.0, 0.0, 0.0, (), marks)


def test_what_is_told_but_no_difference() -> None:
    assert not list(notes_on(observation(), observation(opaque=("a",))))
    (note,) = notes_on(observation(context=("KeyError",)), observation())
    assert note == "an exception is raised while handling KeyError, now while handling nothing"
    assert unseen([observation(opaque=("_thread.lock",)), observation()]) == [
        "compared by their type only: _thread.lock"
    ]


def test_what_is_too_large_to_be_encoded_is_no_equal_result() -> None:
    payload = harness.encode({"outcome": ("unencodable", "its encoding is larger than 256 MB")})
    found = Observation(payload, b"", "plain", False, False, 0.0, 0.0, 0.0, ())
    assert unencodable(found) == "its encoding is larger than 256 MB"
