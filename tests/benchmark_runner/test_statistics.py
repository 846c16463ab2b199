"""The decision rule on simulated replicates with a known truth, and the quantiles behind it."""

from __future__ import annotations

import math
import random

import pytest

from benchmark_runner.measuring.statistics import (
    CPU_NOISE,
    LONG_NOISE,
    LOOKS,
    WALL_NOISE,
    Noise,
    asks_more,
    balanced_trimmed_mean,
    confirms,
    estimate,
    glance,
    look,
    median,
    pairs_to_decide,
    student_t_cdf,
    student_t_quantile,
    trimmed_mean,
)

# Abramowitz & Stegun, table 26.10.
TABLE = [
    (0.95, 1, 6.314),
    (0.975, 1, 12.706),
    (0.975, 4, 2.776),
    (0.99, 7, 2.998),
    (0.995, 10, 3.169),
    (0.9995, 20, 3.850),
    (0.975, 120, 1.980),
]


@pytest.mark.parametrize(("p", "df", "expected"), TABLE)
def test_t_quantiles_agree_with_the_printed_table(p: float, df: int, expected: float) -> None:
    assert student_t_quantile(p, df) == pytest.approx(expected, abs=6e-4)
    assert student_t_quantile(1 - p, df) == pytest.approx(-expected, abs=6e-4)


def test_quantile_inverts_the_distribution() -> None:
    for df in (1, 3, 7, 15, 40.5):
        for p in (0.0005, 0.01, 0.3, 0.5, 0.9, 0.9999):
            assert student_t_cdf(student_t_quantile(p, df), df) == pytest.approx(p, abs=1e-12)


@pytest.mark.parametrize(("p", "df"), [(0.0, 3), (1.0, 3), (0.5, 0), (1.2, 4)])
def test_quantile_refuses_what_has_none(p: float, df: float) -> None:
    with pytest.raises(ValueError, match="no t quantile"):
        student_t_quantile(p, df)


def test_trimmed_mean_ignores_a_disturbed_quarter() -> None:
    calm = [1.0, 1.1, 0.9, 1.05, 0.95, 1.0]
    assert trimmed_mean([*calm, 50.0, -50.0]) == pytest.approx(1.0, abs=0.02)
    assert trimmed_mean([3.0]) == 3.0
    assert median([4.0, 1.0, 3.0, 2.0]) == 2.5


def test_every_input_weighs_the_same_however_far_apart_they_are() -> None:
    true = {0: 0.0, 1: math.log(9), 2: math.log(2), 3: 0.0}
    pairs = [(index, effect) for index, effect in true.items() for _ in range(5)]
    expected = sum(true.values()) / 4
    assert balanced_trimmed_mean(pairs, true) == pytest.approx(expected)
    # The plain trimmed mean loses the input with the largest gain:
    assert trimmed_mean([value for _, value in pairs]) < 0.8 * expected


def test_balanced_mean_of_one_input_is_the_trimmed_mean() -> None:
    values = [0.1, 0.2, 0.15, 9.0, 0.12, 0.18, -7.0, 0.11]
    centre = {7: median(values)}
    assert balanced_trimmed_mean([(7, v) for v in values], centre) == pytest.approx(
        trimmed_mean(values)
    )


def test_interval_holds_the_mean_and_narrows() -> None:
    few, many = estimate([0.10, 0.12, 0.08, 0.11]), estimate([0.10, 0.12, 0.08, 0.11] * 3)
    assert few.interval[0] < few.ratio < few.interval[1]
    assert many.interval[1] - many.interval[0] < few.interval[1] - few.interval[0]


def test_four_equal_replicates_are_not_believed_to_be_exact() -> None:
    low, high = estimate([0.0] * 4).interval
    assert low < 0.99
    assert high > 1.01


def test_nothing_is_decided_between_the_looks() -> None:
    assert look([1.0] * 3) == "continue"
    assert look([1.0] * 4) == "accept"
    assert look([1.0] * 7) == "continue"
    assert look([0.0] * 4) == "stop"


def test_a_wild_candidate_ends_undecided() -> None:
    assert look([0.5, -0.4] * 6) == "exhausted"


def _decide(
    rng: random.Random, truth: float, sd: float, noise: Noise = CPU_NOISE
) -> tuple[str, int]:
    """The whole rule on draws with heavy tails: a tenth of the replicates has a triple spread."""

    def draw() -> float:
        return math.log(truth) + rng.gauss(0.0, sd * (3 if rng.random() < 0.1 else 1))

    values: list[float] = []
    for count in noise.looks:
        values += [draw() for _ in range(count - len(values))]
        step = look(values, noise)
        if step == "accept":
            fresh: list[float] = []
            while asks_more(fresh, noise):
                fresh.append(draw())
            held = confirms(fresh, noise)
            return ("faster" if held else "not confirmed"), count
        if step == "stop":
            return "not faster", count
    return "inconclusive", noise.looks[-1]


def _count(truth: float, sd: float, runs: int, decision: str, noise: Noise = CPU_NOISE) -> int:
    rng = random.Random(f"{truth} {sd}")
    return sum(_decide(rng, truth, sd, noise)[0] == decision for _ in range(runs))


@pytest.mark.parametrize("sd", [0.005, 0.02, 0.04, 0.08])
def test_identical_code_is_almost_never_called_faster(sd: float) -> None:
    assert _count(1.0, sd, 3000, "faster") <= 24
    assert _count(1.0, sd, 3000, "faster", WALL_NOISE) <= 24
    assert _count(1.0, sd, 3000, "faster", LONG_NOISE) <= 30


def test_one_miss_in_the_confirmation_does_not_lose_a_true_gain() -> None:
    assert _count(1.10, 0.04, 1000, "faster") >= 940


def test_wall_time_finds_a_fifth_in_twice_the_noise() -> None:
    assert _count(1.20, 0.05, 1000, "faster", WALL_NOISE) >= 950


@pytest.mark.parametrize("sd", [0.005, 0.02, 0.04])
def test_two_per_cent_is_not_offered(sd: float) -> None:
    assert _count(1.02, sd, 1000, "faster") <= 20


def test_ten_per_cent_is_mostly_found_at_usual_noise() -> None:
    assert _count(1.10, 0.02, 1000, "faster") >= 850


@pytest.mark.parametrize("sd", [0.005, 0.02, 0.08])
def test_threefold_gain_is_always_found(sd: float) -> None:
    assert _count(3.0, sd, 500, "faster") == 500


def test_slower_code_is_never_called_faster() -> None:
    assert _count(0.9, 0.04, 2000, "faster") == 0


def test_most_candidates_need_only_the_first_look() -> None:
    rng = random.Random(3)
    counts = [_decide(rng, 3.0, 0.03)[1] for _ in range(200)]
    assert counts.count(LOOKS[0]) > 180


def test_one_of_three_may_fail_to_confirm() -> None:
    assert confirms([0.05, 0.04, 0.03])
    assert confirms([0.2, 0.2, -0.001])
    assert not confirms([0.2, -0.001, -0.001])
    assert not confirms([0.05, 0.05, -0.05])
    assert not confirms([0.02, 0.02, 0.02])
    assert not confirms([0.5, 0.5])


def test_three_more_are_asked_where_the_first_three_leave_it_open() -> None:
    assert not asks_more([0.1, 0.1, 0.1])
    assert asks_more([0.1, 0.1, -0.2])
    assert not confirms([0.1, 0.1, -0.2, 0.1, 0.1])
    assert confirms([0.1, 0.1, -0.2, 0.1, 0.1, 0.1])
    assert not asks_more([0.1, 0.1, -0.2, 0.1, 0.1, 0.1])
    assert not confirms([0.1, -0.2, -0.1, 0.2, 0.1, -0.01])
    assert not asks_more([0.1, -0.2, -0.1, -0.01])
    assert not confirms([0.02, 0.02, 0.02, 0.02, 0.02, 0.5])


def test_wall_time_asks_for_more_before_it_says_anything() -> None:
    assert look([0.3] * 4, WALL_NOISE) == "continue"
    assert look([0.3] * 6, WALL_NOISE) == "accept"
    assert look([0.051] * 6, WALL_NOISE) == "continue"
    assert look([0.051] * 6) == "accept"
    assert not confirms([0.3] * 3, WALL_NOISE)


def test_what_would_decide_is_told_as_a_number_of_pairs() -> None:
    noisy = [0.10, -0.12, 0.25, 0.30, -0.05, 0.15, 0.2, -0.1, 0.22, 0.12, 0.0, 0.18]
    assert look(noisy) == "exhausted"
    count = pairs_to_decide(noisy)
    assert count is not None
    assert len(noisy) < count < 60
    # with as many of the same kind it is decided
    last = Noise(looks=(count + len(noisy) - count % len(noisy),))
    assert look(noisy * (last.looks[0] // len(noisy)), last) == "accept"
    # a truth that lies on the threshold is not decided by more of the same
    wide = [math.log(1.049) + (0.3 if i % 2 else -0.3) for i in range(12)]
    assert pairs_to_decide(wide) is None


@pytest.mark.parametrize(
    ("ratios", "step"),
    [([1.3], "accept"), ([0.98], "stop"), ([1.1], "continue"), ([1.1, 1.04], "accept"),
     ([1.1, 0.96], "stop")],
)  # fmt: skip
def test_a_search_needs_two_replicates_at_most(ratios, step):
    assert glance([math.log(ratio) for ratio in ratios]) == step
