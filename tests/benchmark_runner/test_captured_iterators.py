"""Captured calls whose objects hold iterators that pickle can write: counters of identifiers."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from benchmark_runner.recording.record import capture_inputs, stored_capture
from benchmark_runner.verify import FunctionBench
from benchmark_runner.workload import CapturedInputs, FunctionWorkload, Version
from tests.benchmark_runner.programs import write
from tests.benchmark_runner.test_verify import PYTHON, own_timing_lock

__all__ = ["own_timing_lock"]
GRAPH = """
    import itertools

    class Graph:
        def __init__(self):
            self.ids = itertools.count(5)
            self.edges = {}
        def add_all(self, pairs):
            added = []
            for pair in pairs:
                number = next(self.ids)
                self.edges[number] = tuple([x for x in pair])
                added.append(number)
            return added
"""
MAIN = """
    from graph import Graph
    g = Graph()
    for n in range(4):
        g.add_all([[k, k + n] for k in range(30)])
"""


@pytest.fixture
def bench(tmp_path: Path) -> FunctionBench:
    write(tmp_path, main=MAIN, graph=GRAPH)
    path = tmp_path / "graph.py"
    capture_inputs(
        ["python", "main.py"], tmp_path, [(path, "Graph.add_all")], tmp_path / "calls",
        python=PYTHON,
    )  # fmt: skip
    kept = stored_capture(tmp_path / "calls", path, "Graph.add_all")
    assert kept is not None
    assert kept.count == 4
    before = Version.of({path: path.read_text()})
    work = FunctionWorkload(path, "Graph.add_all", before, CapturedInputs(kept.folder))
    return FunctionBench(work, python=PYTHON, allow_unsandboxed=True)


def candidate(old: str, new: str) -> str:
    text = dedent(GRAPH).lstrip("\n")
    assert old in text
    return text.replace(old, new)


def test_each_run_has_a_counter_that_begins_where_it_was(
    bench: FunctionBench, tmp_path: Path
) -> None:
    path = tmp_path / "graph.py"
    good = candidate("tuple([x for x in pair])", "tuple(pair)")
    bad = candidate("added.append(number)", "added.append(number)\n        next(self.ids)")
    with bench:
        used = bench.prepare()
        assert used.count == 4
        assert bench.check(Version.of({path: good}), "user").equality is not None
        verdict = bench.check(Version.of({path: bad}), "user")
    assert verdict.equality is None
    assert verdict.counterexample is not None
    assert "arguments" in verdict.counterexample.what
