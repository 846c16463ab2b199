"""Exact bounds of a rate, against printed values and by what they promise."""

from __future__ import annotations

import math

import pytest

from benchmark_runner.measuring.rates import binomial_at_most, clopper_pearson


def test_none_of_n_is_the_rule_of_three_made_exact() -> None:
    for n in (10, 120, 334, 600):
        low, high = clopper_pearson(0, n)
        assert low == 0.0
        assert high == pytest.approx(1 - 0.05 ** (1 / n), abs=1e-9)


def test_the_printed_table_of_one_in_ten() -> None:
    # Two-sided 90 % bounds of 1 in 10 (one-sided 95 % each): 0.0051 and 0.3942.
    low, high = clopper_pearson(1, 10)
    assert low == pytest.approx(0.0051, abs=1e-4)
    assert high == pytest.approx(0.3942, abs=1e-4)


def test_bounds_are_where_the_tails_are_five_per_cent() -> None:
    low, high = clopper_pearson(7, 200)
    assert binomial_at_most(7, 200, high) == pytest.approx(0.05)
    assert 1 - binomial_at_most(6, 200, low) == pytest.approx(0.05)
    assert low < 7 / 200 < high


def test_cumulated_probabilities_are_those_of_counting() -> None:
    for p in (0.01, 0.3, 0.9):
        for k in range(12):
            exact = sum(math.comb(12, i) * p**i * (1 - p) ** (12 - i) for i in range(k + 1))
            assert binomial_at_most(k, 12, p) == pytest.approx(exact)


@pytest.mark.parametrize(("k", "n"), [(1, 0), (0, 0), (-1, 5), (6, 5)])
def test_what_is_no_rate_is_refused(k: int, n: int) -> None:
    with pytest.raises(ValueError, match="no rate"):
        clopper_pearson(k, n)
