"""What processes take when nothing disturbs them."""

from __future__ import annotations

import random

import pytest

from benchmark_runner.measuring.quiet import quietest
from benchmark_runner.measuring.statistics import estimate


def disturbed(seconds: float, rng: random.Random) -> float:
    """A process that takes half as long again in one of two cases."""
    return seconds * rng.choice((1.0, 1.5)) + rng.uniform(0.0, 1e-4)


def test_a_small_difference_beneath_large_disturbances() -> None:
    rng = random.Random(3)
    rows = [(disturbed(24e-3, rng), disturbed(23e-3, rng)) for _ in range(48)]
    least = quietest(rows, (1, -1), prior_sd=1e-4)
    mean = estimate([before - after for before, after in rows], prior_sd=1e-4)
    assert least.mean == pytest.approx(1e-3, abs=1e-4)
    assert least.error < mean.error / 10
    assert least.bound(0.01) > 0.5e-3
    assert least.count == 48


def test_columns_count_by_their_sign() -> None:
    rows = [(5.0, 3.0, 2.0, 1.0)] * 4
    assert quietest(rows, (1, -1, -1, 1), prior_sd=0.0).mean == 1.0


def test_the_error_is_no_less_than_undisturbed_rows_allow() -> None:
    found = quietest([(2.0, 1.0)] * 10, (1, -1), prior_sd=0.3)
    assert found.error == pytest.approx(0.3 / 6**0.5)


def test_one_row_is_too_few() -> None:
    with pytest.raises(ValueError, match="fewer than two"):
        quietest([(1.0, 2.0)], (1, -1), prior_sd=0.1)
