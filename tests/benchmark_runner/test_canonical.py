"""Canonical bytes: what they tell apart, how they are compared, and hostile ones."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import decimal
import enum
import fractions
import random
import re
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmark_runner.worker import canonical, harness
from benchmark_runner.worker.canonical import Malformed, compare, outcome_text, text_of
from benchmark_runner.worker.harness import Encoder, TooLarge, decode_plain, encode
from tests.benchmark_runner.workers import short


class Colour(enum.Enum):
    RED = 1
    GREEN = 2


class Point(NamedTuple):
    x: int
    y: int


@dataclasses.dataclass
class Shape:
    name: str
    sides: int


class Slotted:
    __slots__ = ("a", "b")

    def __init__(self, a: int) -> None:
        self.a = a


class Liar:
    """Claims to equal everything and to be something else."""

    def __init__(self, real: int) -> None:
        self.real = real

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0

    def __reduce_ex__(self, protocol: Any) -> Any:
        return (int, (7,))

    @property
    def __class__(self) -> Any:  # type: ignore[override]
        return int

    @property
    def __dict__(self) -> Any:  # type: ignore[override]
        return {"real": 7}


class AlwaysEqual(int):
    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0


shared = [1]
UNEQUAL: list[tuple[Any, Any]] = [
    (1, True),
    (1, 1.0),
    (0.0, -0.0),
    ("a", b"a"),
    ([1], (1,)),
    ({1}, frozenset({1})),
    ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    ([shared, shared], [[1], [1]]),
    (collections.OrderedDict(a=1), {"a": 1}),
    (collections.defaultdict(int), {}),
    (collections.Counter("ab"), {"a": 1, "b": 1}),
    (Colour.RED, Colour.GREEN),
    (Colour.RED, 1),
    (Point(1, 2), (1, 2)),
    (Shape("a", 3), Shape("a", 4)),
    (Slotted(1), Slotted(2)),
    (Liar(1), Liar(2)),
    (Liar(7), 7),
    (AlwaysEqual(3), 3),
    (AlwaysEqual(3), AlwaysEqual(4)),
    (decimal.Decimal("1.0"), decimal.Decimal("1.00")),
    (fractions.Fraction(1, 3), fractions.Fraction(1, 2)),
    (ValueError("a"), ValueError("b")),
    (ValueError("a"), KeyError("a")),
    (ValueError("a"), RuntimeError("ValueError('a')")),
    (datetime.date(2020, 1, 1), datetime.datetime(2020, 1, 1)),
    (range(3), [0, 1, 2]),
    (range(3), range(4)),
    (re.compile("a"), re.compile("a", re.I)),
    (len, sorted),
    (int, str),
    (bytearray(b"a"), b"a"),
    (np.array([1, 2]), np.array([1.0, 2.0])),
    (np.array([[1, 2]]), np.array([1, 2])),
    (np.float64(1), 1.0),
    (np.int64(1), np.int32(1)),
    (10**6, 10**6 + 1),
    (collections.deque([1], 2), collections.deque([1], 3)),
    (iter([1]), iter([2])),
    ((x for x in [1]), [1]),
    ("\ud800", "?"),
]


@pytest.mark.parametrize("pair", UNEQUAL, ids=lambda pair: f"{short(pair[0])}|{short(pair[1])}")
def test_tells_apart(pair: tuple[Any, Any]) -> None:
    # Iterators are consumed by encoding, so each is encoded once.
    left, right = encode(pair[0]), encode(pair[1])
    assert left != right
    assert compare(left, right).level != "exact"


@pytest.mark.parametrize(
    "make",
    [
        lambda: float("nan"),
        lambda: {3, "a", (1, 2), frozenset({5})},
        lambda: [np.arange(3), {"k": np.float32(0.5)}],
        lambda: Shape("a", 3),
        lambda: (x * 2 for x in range(3)),
        lambda: [Colour.RED, Point(1, 2), Slotted(1), ValueError("x")],
        lambda: collections.deque([datetime.timedelta(1)], maxlen=2),
    ],
)
def test_equal_values_have_equal_bytes(make: Any) -> None:
    assert encode(make()) == encode(make())


def test_an_iterator_that_is_like_a_list_is_no_list() -> None:
    found = compare(encode([1, 2]), encode(iter([1, 2])))
    assert (found.level, found.what) == ("different", "type")


def test_sets_do_not_depend_on_insertion_order() -> None:
    names = [f"name{i}" for i in range(50)]
    assert encode(set(names)) == encode({*names[25:], *names[:25]})


class Name(str):
    """Equal to a string, and no string."""


ATOMS = st.one_of(
    st.integers(-(2**70), 2**70), st.floats(), st.text(st.characters(), max_size=3), st.booleans(),
    st.none(), st.just(Name("a")),
)  # fmt: skip
COLUMNS = [st.integers(-(2**70), 2**70), st.integers(0, 9), st.floats(), st.text(max_size=2), ATOMS]


@st.composite
def tables(draw: st.DrawFn) -> Any:
    """Rows or records, some with a missing key, a nested value, or one of them twice."""
    columns = draw(st.lists(st.sampled_from(COLUMNS), max_size=3))
    count = draw(st.integers(15, 20))
    rows = [tuple(draw(column) for column in columns) for _ in range(count)]
    if draw(st.booleans()):
        return [rows, rows[3], tuple(rows)]
    names = draw(st.permutations([*("abc"[: len(columns)]), Name("d"), 5][: len(columns)]))
    records: list[Any] = [dict(zip(names, row, strict=True)) for row in rows]
    plain = list(records)
    for place in draw(st.lists(st.integers(0, count - 1), max_size=2)):
        odd = {**plain[place], "more": draw(ATOMS)}
        twice = plain[draw(st.integers(0, count - 1))]
        others = [dict(reversed(plain[place].items())), [1, 2], (), twice, odd]
        records[place] = draw(st.sampled_from(others))
    before = [records[1]] if draw(st.booleans()) else []
    return [before, records, records[0], tuple(records), {"again": records[2]}]


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(tables())
def test_tables_have_the_same_bytes_in_bulk_as_item_by_item(value: Any) -> None:
    whole = harness.encode(value)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(harness, "_BULK", 1 << 40)
        assert harness.encode(value) == whole


class Claims(type):
    """A metaclass whose classes claim to be any other."""

    def __eq__(cls, other: object) -> bool:
        return True

    def __hash__(cls) -> int:
        return hash(int)


class Number(metaclass=Claims):
    def __index__(self) -> int:
        return 1

    def __float__(self) -> float:
        return 1.0


@pytest.mark.parametrize("one", [1, 1.0])
def test_a_class_that_claims_to_be_int_is_none_in_a_long_list_too(one: float) -> None:
    fake, real = [Number() for _ in range(40)], [one] * 40
    assert encode(fake) != encode(real)
    assert encode([(n,) for n in fake]) != encode([(n,) for n in real])
    assert encode([{"a": n} for n in fake]) != encode([{"a": n} for n in real])
    assert encode(dict(enumerate(fake))) != encode(dict(enumerate(real)))
    assert encode(set(fake)) != encode(set(range(40)))


def test_views_of_one_array_are_told_from_copies() -> None:
    base = np.arange(4)
    assert encode([base, base[:2]]) != encode([base, base[:2].copy()])


def test_cycles_and_depth() -> None:
    loop: list[Any] = []
    loop.append(loop)
    deep: list[Any] = []
    for _ in range(30_000):
        deep = [deep]
    assert compare(encode(loop), encode([[]])).what == "sharing of objects"
    assert compare(encode(deep), encode([deep])).level == "different"


def test_never_runs_code_of_the_class() -> None:
    class Mine:
        def __getattribute__(self, name: str) -> Any:
            raise AssertionError(name)

    value = Mine()
    assert b"Mine" in encode(value)


def test_state_mode_consumes_nothing() -> None:
    source = iter([1, 2])
    encoder = Encoder(consume=False)
    encoder.add(source)
    assert list(source) == [1, 2]


def test_too_large_is_an_error_and_no_memory_bomb() -> None:
    with pytest.raises(TooLarge):
        Encoder(limit=1000).add(["x" * 100] * 100)
    nested: Any = ()
    for _ in range(60):
        nested = (nested, nested)
    with pytest.raises(TooLarge):
        Encoder(limit=1 << 16).add(nested)


class TestComparison:
    def test_rounding_has_its_size_and_place(self) -> None:
        found = compare(encode({"outcome": ("return", [1.0, 0.1 + 0.2])}),
                        encode({"outcome": ("return", [1.0, 0.3])}))  # fmt: skip
        assert (found.level, found.path, found.max_ulp) == ("rounding", "result[1]", 1)
        assert 0 < found.max_relative < 1e-15

    def test_a_large_difference_is_no_rounding(self) -> None:
        assert compare(encode(1.0), encode(1.01)).level == "different"
        assert compare(encode(1.0), encode(1.01), most_relative=0.1).level == "rounding"

    @pytest.mark.parametrize("other", [float("inf"), float("nan"), 1, "1.0"])
    def test_only_finite_floats_round(self, other: Any) -> None:
        assert compare(encode(1.0), encode(other), most_relative=2.0).level == "different"

    def test_float_arrays_round_and_int_arrays_do_not(self) -> None:
        a, b = np.array([0.3, 1.0]), np.array([0.1 + 0.2, 1.0])
        assert compare(encode(a), encode(b)).level == "rounding"
        assert compare(encode(np.array([1])), encode(np.array([2]))).level == "different"

    def test_an_int_beside_a_rounded_float_still_counts(self) -> None:
        assert compare(encode([0.3, 1]), encode([0.1 + 0.2, 2])).path == "value[1]"

    def test_order_of_keys_is_named(self) -> None:
        found = compare(encode({"a": 1, "b": 2}), encode({"b": 2, "a": 1}))
        assert found.what == "order of keys"

    def test_path_and_texts(self) -> None:
        def payload(x: int) -> bytes:
            value = {"k": [Shape("a", x)]}
            return encode({"outcome": ("return", value), "arguments": ((), {})})

        found = compare(payload(3), payload(4))
        assert (found.part, found.path) == ("outcome", "result['k'][0].sides")
        assert (found.before, found.after) == ("3", "4")

    def test_outcome_text(self) -> None:
        assert outcome_text(encode({"outcome": ("return", [1, "a"])})) == "returned [1, 'a']"
        raised = ("raise", "KeyError", ("x",), "'x'", None)
        assert outcome_text(encode({"outcome": raised})) == "raised KeyError: 'x'"

    def test_texts_are_short_and_printable(self) -> None:
        node = canonical.parse(encode(["\x1b[31m\u202e" * 1000] * 1000))
        text = text_of(node)
        assert len(text) <= 130
        assert text.isprintable()


class TestHostileBytes:
    def test_every_cut_is_malformed(self) -> None:
        data = encode({"a": [1, 2.5, (b"x", {3})], "b": ValueError("x")})
        for end in range(len(data)):
            with pytest.raises(Malformed):
                canonical.parse(data[:end])
            with pytest.raises(ValueError):
                decode_plain(data[:end])

    def test_random_bytes_never_crash(self) -> None:
        source = random.Random(5)
        good = encode([1, "a", {"b": (1.5, {2})}, [None] * 5])
        for _ in range(5000):
            data = bytearray(good)
            for _ in range(source.randrange(1, 4)):
                data[source.randrange(len(data))] = source.randrange(256)
            for read in (canonical.parse, decode_plain):
                try:
                    read(bytes(data))
                except ValueError:
                    continue

    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"l\xff\xff\xff\xff",
            b"r\0\0\0\0",
            b"s\xff\xff\xff\xffa",
            encode(1) + b"N",
            b"O\x01\0\0\0x\xff\xff\xff\x7f",
            b"?",
            b"s\x01\0\0\0\xff",
        ],
    )
    def test_malformed(self, data: bytes) -> None:
        with pytest.raises(Malformed):
            canonical.parse(data)
        with pytest.raises(ValueError):
            decode_plain(data)

    def test_very_deeply_nested_tuples_as_a_key(self) -> None:
        key = b"t\x01\0\0\0" * 200_000 + b"N"
        with pytest.raises(ValueError):
            decode_plain(b"d\x01\0\0\0" + key + b"N")
        assert canonical.parse(key).tag == "t"

    def test_plain_values_only(self) -> None:
        with pytest.raises(ValueError, match="not a plain value"):
            decode_plain(encode(Shape("a", 3)))
        with pytest.raises(ValueError, match="not a plain value"):
            decode_plain(encode(print))


@pytest.mark.parametrize(
    "value",
    [
        [None, True, -1, 2**70, -(2**63), 1.5, 2j, "\ud800é", b"\0", bytearray(b"x")],
        {"a": (1, [2, {3}]), 4: frozenset({5})},
        [decimal.Decimal("1.50"), fractions.Fraction(1, 3), datetime.datetime(2020, 1, 2, 3)],
        [collections.deque([1], 4), collections.OrderedDict(b=1, a=2), range(1, 9, 2), slice(3)],
    ],
)
def test_plain_round_trip(value: Any) -> None:
    back = decode_plain(encode(value))
    assert back == value
    assert encode(back) == encode(value)


def test_round_trip_keeps_sharing() -> None:
    inner = [1]
    back = decode_plain(encode([inner, {"k": inner}]))
    assert back[0] is back[1]["k"]
