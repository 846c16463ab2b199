"""Reads pytest-benchmark's JSON: each benchmark is a function, with all the time of its rounds.

https://pytest-benchmark.readthedocs.io/en/latest/usage.html. What is timed is what the benchmark
calls, which the file does not name, so the functions here are the tests. The parameters of one test
are added up. A cost is mean times rounds times iterations: seconds spent, by which no test is
hotter for being measured longer than it asked for.
"""

from __future__ import annotations

from dataclasses import dataclass

from analysis.profiles.damage import Damaged
from analysis.profiles.file import ProfileFile
from analysis.profiles.json_cursor import Cursor
from analysis.profiles.json_stream import as_number, looks_like_json
from analysis.profiles.model import FunctionCost, Profile
from analysis.profiles.places import Places

_MAX_BENCHMARKS = 200_000
_MAX_NAME = 2_000
_MAX_ROUNDS = 1e15
_MAX_SECONDS = 1e12


@dataclass
class _Cost:
    seconds: float = 0.0
    calls: int = 0


def recognises(head: bytes) -> bool:
    """Whether it is a JSON object that begins with the machine, or with benchmarks."""
    return looks_like_json(head) and (
        b'"machine_info"' in head or (b'"benchmarks"' in head and b'"fullname"' in head)
    )


def read(file: ProfileFile, places: Places) -> Profile:
    """The benchmarks in such a file. Raises Truncated or Damaged."""
    costs: dict[str, _Cost] = {}
    with Cursor(file) as cursor:
        for key in cursor.members():
            if key == "benchmarks":
                for _ in cursor.elements():
                    _benchmark(cursor, costs)
        cursor.end()
    functions = []
    for test, cost in costs.items():
        path, _, name = test.rpartition("::") if "::" in test else ("", "", test)
        path, _, inside = path.partition("::")
        place = places.place(path, name, None)
        line = place.line if place else 0
        ours = place.path if place else path
        functions.append(
            FunctionCost(
                ours, f"{inside.replace('::', '.')}.{name}" if inside else name, line,
                cost.seconds, cost.seconds, cost.seconds, cost.calls,
            )
        )  # fmt: skip
    total = sum(cost.seconds for cost in costs.values())
    return Profile("pytest-benchmark", "seconds", total, tuple(functions))


def _benchmark(cursor: Cursor, costs: dict[str, _Cost]) -> None:
    name = ""
    numbers = {"mean": 0.0, "rounds": 0.0, "iterations": 1.0}
    for key in cursor.members():
        if key == "fullname":
            value = cursor.value()
            if not isinstance(value, str) or not value:
                raise Damaged("a benchmark without a name")
            name = value[:_MAX_NAME].split("[", 1)[0]
        elif key == "stats":
            for number in cursor.members():
                if number in numbers:
                    numbers[number] = as_number(cursor.value())
    if not name:
        raise Damaged("a benchmark without a name")
    if len(costs) >= _MAX_BENCHMARKS:
        raise Damaged(f"more than {_MAX_BENCHMARKS} benchmarks")
    times = numbers["rounds"] * numbers["iterations"]
    if not 0 <= times <= _MAX_ROUNDS or not 0 <= numbers["mean"] * times <= _MAX_SECONDS:
        raise Damaged("a benchmark of more time than there is")
    cost = costs.setdefault(name, _Cost())
    cost.seconds += numbers["mean"] * times
    cost.calls += int(times)
