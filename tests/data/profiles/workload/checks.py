"""The workload as tests and as benchmarks, for coverage.py and pytest-benchmark."""

from grids import Grid, smooth
from letters import count_pairs, make_words
from main import report


def test_pairs():
    assert count_pairs(make_words(3)) == 3


def test_grid():
    assert smooth(Grid(3, 0)) == 1


def test_report():
    assert report(make_words(6), 1)[0] == 12


def test_speed_of_pairs(benchmark):
    benchmark.pedantic(count_pairs, [make_words(240)], rounds=20)


def test_speed_of_grids(benchmark):
    benchmark.pedantic(lambda: smooth(Grid(90, 1)), rounds=20)
