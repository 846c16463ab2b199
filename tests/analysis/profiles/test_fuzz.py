"""Profiles that were changed at random: each is read, or refused by a named error, in bounds."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from analysis.errors import AnalysisError
from analysis.profiles.load import load_profile
from tests.profile_samples import SAMPLES, WORKLOAD, Sample

EXAMPLES = 120
MOST_BYTES = 3_000
JUNK = (
    None, True, False, -1, 0, 1, 3, 2**31, 2**63, 2**70, -(2**70), 0.5, -1.5, 1.7e308, "", "x",
    "\0", "\ud800", "O", "X", "B", "E", [], [[]], {}, [0], [-1], [None], {"a": 1}, "9" * 30,
    [[[[[[]]]]]],
)  # fmt: skip

one_of_each = pytest.mark.parametrize(
    "sample", SAMPLES, ids=lambda sample: sample.file.replace("/", "-")
)


def small(sample: Sample) -> bytes:
    """A part of the sample that is a profile of its own, so that many examples take little time."""
    data = sample.data
    if sample.format == "chrome_trace":
        told = json.loads(data)
        events = told["traceEvents"] if isinstance(told, dict) else told
        return json.dumps(events[:40]).encode()
    if sample.file.startswith("pyinstrument/session"):
        told = json.loads(data)
        told["frame_records"] = told["frame_records"][::200]
        return json.dumps(told).encode()
    by_lines = sample.format in ("collapsed", "austin", "perf_script")
    return data[:MOST_BYTES] if by_lines else data


def read(path: Path, sample: Sample) -> None:
    try:
        profile = load_profile(path, WORKLOAD)
    except AnalysisError as error:
        assert error.code is not None
        assert error.code.startswith("profile-")
        return
    assert math.isfinite(profile.total)
    # Without stacks the totals of functions are what the file says, whether they fit or not.
    most = profile.total * 1.001 if sample.stacks else math.inf
    for cost in profile.functions:
        assert 0 <= cost.self_cost <= most
        assert 0 <= cost.total_cost <= most
        assert 0 <= cost.direct_cost <= most
        cost.name.encode()
        cost.path.encode()
    for call in profile.calls:
        assert 0 <= call.caller < len(profile.functions)
        assert 0 <= call.callee < len(profile.functions)
    for stack in profile.stacks:
        assert all(0 <= at < len(profile.functions) for at in stack.frames)


@one_of_each
def test_changed_bytes(sample: Sample, tmp_path: Path) -> None:
    rng, path, whole = random.Random(sample.file), tmp_path / "profile", small(sample)
    for _ in range(EXAMPLES):
        data = bytearray(whole)
        for _ in range(rng.randrange(1, 4)):
            at, size = rng.randrange(len(data)), rng.randrange(1, 40)
            match rng.randrange(5):
                case 0:
                    data[at] = rng.randrange(256)
                case 1:
                    del data[at : at + size]
                case 2:
                    data[at:at] = data[at : at + size]
                case 3:
                    data[at:at] = rng.choice([b"9" * 30, b"-", b"\n", b'"', b";", b"\xff", b"\0"])
                case 4:
                    other = rng.randrange(len(data))
                    data[at : at + size] = data[other : other + size]
        path.write_bytes(data)
        read(path, sample)


@one_of_each
def test_changed_values(sample: Sample, tmp_path: Path) -> None:
    whole = small(sample)
    if whole[:1] not in b"{[":
        if b"\0" in whole:
            read_changed_numbers(whole, sample, tmp_path / "profile")
        else:
            read_changed_lines(whole.split(b"\n"), sample, tmp_path / "profile")
        return
    rng, path = random.Random(sample.file), tmp_path / "profile"
    places = list(every_place(json.loads(whole)))
    for _ in range(EXAMPLES):
        told = json.loads(whole)
        # Few of the many members of a long list, all of the others.
        for keys in rng.sample(places, rng.randrange(1, 3)):
            change(told, keys, rng)
        path.write_text(json.dumps(told))
        read(path, sample)


def read_changed_numbers(whole: bytes, sample: Sample, path: Path) -> None:
    """One byte is another, and what stands behind it is still at its place."""
    rng = random.Random(sample.file)
    for _ in range(EXAMPLES):
        at = rng.randrange(len(whole))
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << rng.randrange(8)]) + whole[at + 1 :])
        read(path, sample)


def read_changed_lines(lines: list[bytes], sample: Sample, path: Path) -> None:
    rng = random.Random(sample.file)
    for _ in range(EXAMPLES):
        changed = list(lines)
        at = rng.randrange(len(changed))
        words = changed[at].split(rng.choice([b" ", b";", b":"]))
        words[rng.randrange(len(words))] = rng.choice(
            [b"", b"-1", b"nan", b"1e999", b"9" * 25, b"\xff\xfe", b"(", b"):0", b"#", b"\t"]
        )
        changed[at] = rng.choice([b" ", b";", b":"]).join(words)
        path.write_bytes(b"\n".join(changed))
        read(path, sample)


def every_place(value: Any) -> Iterator[tuple[Any, ...]]:
    """The keys that lead to each value; of a long list its first, some and its last."""
    if isinstance(value, dict):
        keys: list[Any] = list(value)
    elif isinstance(value, list):
        keys = sorted({*range(min(3, len(value))), *range(0, len(value), 1 + len(value) // 5)})
    else:
        return
    for key in keys:
        yield (key,)
        for rest in every_place(value[key]):
            yield (key, *rest)


def change(told: Any, keys: tuple[Any, ...], rng: random.Random) -> None:
    for key in keys[:-1]:
        if not isinstance(told, dict | list):
            return
        try:
            told = told[key]
        except (KeyError, IndexError, TypeError):
            return  # another change took it away
    try:
        if rng.random() < 0.2:
            del told[keys[-1]]
        else:
            told[keys[-1]] = rng.choice(JUNK)
    except (KeyError, IndexError, TypeError):
        return
