"""Small and odd values by hypothesis; runs as a process of its own, inside the sandbox.

Started with a folder that holds `request.json`: the path of `harness.py`, a seed, how many calls
are wanted, and the parameters' shapes as plain values. Writes `calls.bin` there: each call as 4
bytes of length and canonical bytes. It makes builtin values only and never sees the user's code.
"""

from __future__ import annotations

import importlib.util
import json
import random
import sys
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

MOST_ITEMS = 6
ODD = "aAzZ09 _-.,;:/\\'\"\t\n\r\x00\xa0éßİıǅΣςﬁ中\u0301\u2028\U0001f600"
"""Characters that upper(), split() and slices treat in their own ways. All of Unicode would need
hypothesis' tables, which take seconds to make."""


def scalar(shape: dict[str, Any]) -> Any:
    """A strategy for a scalar, its constants included."""
    low = 0 if shape["natural"] else -1000
    plain: dict[str, Any] = {
        "none": lambda: st.none(),
        "bool": lambda: st.booleans(),
        "int": lambda: st.one_of(st.integers(low, 12), st.integers(low, 1000)),
        # A value that isn't equal to itself is no ordinary number: nearly every faster way to
        # search or sort treats it differently.
        "float": lambda: st.floats(allow_nan=False, width=64),
        "complex": lambda: st.complex_numbers(allow_nan=False, allow_infinity=False),
        "str": lambda: st.one_of(st.text("ab1 ,", max_size=8), st.text(ODD, max_size=8)),
        "bytes": lambda: st.binary(max_size=8),
        "decimal": lambda: st.decimals(allow_nan=False, allow_infinity=False),
        "fraction": lambda: st.fractions(),
        "date": lambda: st.dates(),
        "datetime": lambda: st.datetimes(),
        "timedelta": lambda: st.timedeltas(),
    }
    made = plain[shape["kind"]]()
    if shape["digits"]:
        made = st.integers(0, 999).map(str)
    return st.one_of(st.sampled_from(shape["values"]), made) if shape["values"] else made


def strategy(shape: dict[str, Any]) -> Any:
    """A strategy for any shape."""
    kind, items = shape["kind"], [strategy(item) for item in shape["items"]]
    if kind == "union":
        return st.one_of(items)
    if kind == "literal":
        return st.sampled_from(shape["values"])
    if kind == "record":
        return st.tuples(*items)
    if kind == "fields":
        return st.fixed_dictionaries(dict(zip(shape["keys"], items, strict=True)))
    if kind == "dict":
        return st.dictionaries(*items, max_size=MOST_ITEMS)
    if kind == "set":
        return st.sets(*items, max_size=MOST_ITEMS)
    if kind == "frozenset":
        return st.frozensets(*items, max_size=MOST_ITEMS)
    if kind in ("list", "tuple", "deque"):
        made = st.lists(*items, max_size=MOST_ITEMS)
        if shape["ordered"]:
            made = made.map(in_order)
        return (
            made.map(tuple) if kind == "tuple" else made.map(to_deque) if kind == "deque" else made
        )
    return scalar(shape)


def in_order(items: list[Any]) -> list[Any]:
    """Sorted, where the items have an order."""
    try:
        return sorted(items)
    except TypeError:
        return items


def to_deque(items: list[Any]) -> Any:
    """A deque of the items."""
    from collections import deque

    return deque(items)


def calls(parameters: list[dict[str, Any]], number: int, count: int) -> list[Any]:
    """`count` calls' arguments by hypothesis; the same ones for the same seed."""
    found: list[Any] = []
    names = [p["name"] for p in parameters]

    @seed(number)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.tuples(*[strategy(p["shape"]) for p in parameters]))
    def collect(values: tuple[Any, ...]) -> None:
        found.append(dict(zip(names, values, strict=True)))

    collect()
    return found


def main() -> None:
    """Answer the one request."""
    folder = Path(sys.argv[1])
    request = json.loads((folder / "request.json").read_text(encoding="utf-8"))
    # By its path: its folder holds modules whose names the standard library has, too.
    spec: Any = importlib.util.spec_from_file_location("harness", request["harness"])
    harness = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(harness)
    random.seed(request["seed"])
    frames = []
    for values in calls(request["parameters"], request["seed"], request["count"]):
        args: list[Any] = []
        kwargs: dict[str, Any] = {}
        for parameter in request["parameters"]:
            value = values[parameter["name"]]
            if parameter["keyword"]:
                kwargs[parameter["name"]] = value
            elif parameter["star"]:
                args += value
            else:
                args.append(value)
        data = harness.encode((tuple(args), kwargs))
        frames.append(len(data).to_bytes(4, "little") + data)
    (folder / "calls.bin").write_bytes(b"".join(frames))


if __name__ == "__main__":
    main()
