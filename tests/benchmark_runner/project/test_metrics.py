"""Readers of what benchmark tools write: real files of each, and hostile text."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark_runner.project.metrics import MOST_BENCHMARKS, Reading, read_json, read_numbers

DATA = Path(__file__).parent / "data"
TOOLS = {
    "pytest-benchmark": {
        "test_b.py::test_small": 3.866000042762607e-06,
        "test_b.py::test_large": 0.00021635699977196055,
    },
    "pyperf": {"sort": 4.369728393543992e-06, "sum": 4.238973922737754e-06},
    "hyperfine": {"named": 0.0005728230000000001, "sleep 0.01": 0.012254539},
    "google-benchmark": {
        "BM_Sum/64": 3.523141869449243e-08,
        "BM_Sum/1024": 5.646212167626516e-07,
    },
}


def text_of(tool: str) -> str:
    return (DATA / f"{tool}.json").read_text()


@pytest.mark.parametrize("tool", TOOLS)
def test_a_real_file_is_recognised_by_its_content(tool: str) -> None:
    reading = read_json(text_of(tool))
    assert reading is not None
    assert reading.tool == tool
    assert {m.name: m.value for m in reading.metrics} == TOOLS[tool]
    assert {m.unit for m in reading.metrics} == {"s"}
    assert reading.total_s is not None and reading.total_s > 0.05


def test_google_benchmark_takes_wall_time_where_the_benchmark_asks_for_it() -> None:
    row = {"name": "B/real_time", "real_time": 4.0, "cpu_time": 1.0, "time_unit": "us"}
    data = {"context": {}, "benchmarks": [{**row, "iterations": 10}]}
    reading = read_json(json.dumps(data))
    assert reading is not None
    assert reading.by_name["B/real_time"].value == pytest.approx(4e-6)
    assert reading.by_name["B/real_time"].total == pytest.approx(4e-5)


def test_google_benchmark_reads_the_median_where_only_aggregates_are_told() -> None:
    rows = [
        {"run_name": "B", "run_type": "aggregate", "aggregate_name": name, "real_time": t,
         "cpu_time": t, "time_unit": "ns"}
        for name, t in (("mean", 9.0), ("median", 5.0), ("stddev", 1.0))
    ]  # fmt: skip
    reading = read_json(json.dumps({"context": {}, "benchmarks": rows}))
    assert reading is not None
    assert [(m.name, m.value, m.total) for m in reading.metrics] == [("B", 5e-9, None)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12.5\n", {"result": (12.5, "")}),
        ("building\nok 3 tests\n 1,234 ms\n", {"result": (1.234, "s")}),
        ("warm: 9\nnoise\nsort: 3.5 us\njoin = 2e3 MB/s\n\n",
         {"sort": (3.5e-6, "s"), "join": (2000.0, "MB/s")}),
        ("elapsed: 0.5 s\n", {"elapsed": (0.5, "s")}),
        ("a: 1\na: 2\n", {"a": (1.0, ""), "a #2": (2.0, "")}),
    ],
)  # fmt: skip
def test_plain_numbers(text: str, expected: dict[str, tuple[float, str]]) -> None:
    reading = read_numbers(text)
    assert reading is not None
    assert {m.name: (pytest.approx(m.value), m.unit) for m in reading.metrics} == expected


@pytest.mark.parametrize("text", ["", "done", "0", "-4", "nan", "1e999", "x: inf", "1 2 3"])
def test_what_is_no_number_above_zero_is_none(text: str) -> None:
    assert read_numbers(text) is None


@pytest.mark.parametrize(
    "text",
    ["", "{", "[1]", '{"benchmarks": 3}', '{"results": [{"command": "x"}]}',
     '{"results": [{"command": "x", "median": NaN}]}', "[" * 100_000, '{"a":' * 50_000,
     '{"results": [{"command": "x", "median": ' + "9" * 6000 + "}]}"],
)  # fmt: skip
def test_broken_json_is_none(text: str) -> None:
    assert read_json(text) is None


def test_very_many_benchmarks_are_bounded() -> None:
    rows = [{"command": f"c{n}", "median": 1.0} for n in range(3 * MOST_BENCHMARKS)]
    reading = read_json(json.dumps({"results": rows}))
    assert reading is not None
    assert len(reading.metrics) == MOST_BENCHMARKS


def sound(reading: Reading | None) -> bool:
    """Whether a reading may be given to the statistics."""
    if reading is None:
        return True
    names = [m.name for m in reading.metrics]
    return (
        len(set(names)) == len(names) > 0
        and all(math.isfinite(m.value) and m.value > 0 for m in reading.metrics)
        and all(name.isprintable() and len(name) <= 210 for name in names)
    )


odd = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8),
    st.lists(st.floats(), max_size=3), st.just(10**400), st.dictionaries(st.text(max_size=3),
    st.integers(), max_size=2),
)  # fmt: skip


@given(st.sampled_from(sorted(TOOLS)), st.data())
@settings(max_examples=300)
def test_a_damaged_file_gives_sound_values_or_none(tool: str, data: st.DataObject) -> None:
    document: Any = json.loads(text_of(tool))
    for _ in range(data.draw(st.integers(1, 4))):
        place = document
        while True:
            keys = list(range(len(place))) if isinstance(place, list) else list(place)
            if not keys:
                break
            key = data.draw(st.sampled_from(keys))
            if isinstance(place[key], dict | list) and data.draw(st.booleans()):
                place = place[key]
                continue
            place[key] = data.draw(odd)
            break
    assert sound(read_json(json.dumps(document)))


@given(st.text(alphabet='0123456789.,_eE+-:= \nnmusµ{}[]"abc\x00\u202e', max_size=200))
@settings(max_examples=500)
def test_any_text_gives_sound_values_or_none(text: str) -> None:
    assert sound(read_numbers(text))
    assert sound(read_json(text))
