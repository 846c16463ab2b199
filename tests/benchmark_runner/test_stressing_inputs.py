"""Inputs that are slow for their size, found under a count of steps."""

from __future__ import annotations

import random
from pathlib import Path

from benchmark_runner.inputs.extras import given_seeds
from benchmark_runner.inputs.literals import literals_of
from benchmark_runner.inputs.stressing import SIZE, Stress, stressing
from benchmark_runner.worker import harness
from benchmark_runner.worker.supervisor import Extra
from tests.benchmark_runner.workers import Project

DUPLICATES = """
    def f(items):
        found = []
        if len(set(items)) * 2 < len(items):
            for x in items:
                count = 0
                for y in items:
                    count += x == y
                found.append(count)
            return found
        for x in items:
            found.append(1)
        return found
"""
BRACKETS = """
    def f(text):
        depth = 0
        found = 0
        for c in text:
            if c == "(":
                depth += 1
                for d in range(depth):
                    found += d
        return found
"""


def stressed(folder: Path, code: str, inputs: str) -> tuple[list[Stress], list[int], list[Stress]]:
    """The slow inputs, steps of random ones of their size, and the slow ones found once more."""
    project = Project(folder)
    text = project.write("mod.py", code).read_text()
    plan = project.calls(f"def inputs():\n    return {inputs}\n")
    with project.worker(inputs=plan) as worker:
        infos = worker.make_inputs()[:1]
        seeds = given_seeds(worker, infos)
        first, again = (stressing(worker, seeds, literals=literals_of(text, "f")) for _ in (0, 1))
        rng = random.Random(5)
        kind = type(next(iter(seeds[0].values.values())))
        usual = []
        for _ in range(5):
            items = rng.sample(range(1000), SIZE)
            value = "".join(chr(97 + x % 26) for x in items) if kind is str else items
            call = Extra("random", harness.encode(((value,), {})))
            usual.append(worker.examine(call, 1.0, 100_000).steps)
        return first, usual, again


def test_what_is_quadratic_only_with_many_duplicates_is_found(tmp_path: Path) -> None:
    found, usual, again = stressed(tmp_path, DUPLICATES, "[(([5, 3, 8, 1, 9, 2],), {})]")
    assert found
    (items,), _ = harness.decode_plain(found[0].extra.value)
    assert len(items) == SIZE
    assert found[0].steps >= 10 * max(usual)
    assert found[0].times >= 10
    assert again == found or [s.extra for s in again] == [s.extra for s in found]


def test_literals_of_the_code_are_among_the_patterns(tmp_path: Path) -> None:
    found, usual, _ = stressed(tmp_path, BRACKETS, "[(('some text',), {})]")
    assert found
    assert found[0].steps >= 10 * max(usual)


def test_nothing_is_told_where_all_inputs_of_a_size_take_the_same(tmp_path: Path) -> None:
    code = "def f(items):\n    return [x + 1 for x in items]\n"
    found, _, _ = stressed(tmp_path, code, "[(([5, 3, 8, 1],), {})]")
    assert found == []


def test_a_literal_that_is_no_byte_is_left_out_of_bytes(tmp_path: Path) -> None:
    code = "\n    def f(data):\n        return sum(1 for b in data if b == 200 or b > 1000)\n"
    found, _, again = stressed(tmp_path, code, "[((bytes(range(90)),), {})]")
    assert found == again
