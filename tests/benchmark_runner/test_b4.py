"""B4's choice among codes when the tests may be wrong, on the paper's simulator."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest

from benchmark_runner.equality.b4 import Group, groups

Matrix = list[list[bool]]
Choice = Callable[[Matrix, random.Random], int]
SIMULATED = {"alpha": 10.0, "beta_0": 10.0}


def simulated(
    rng: random.Random, x: float = 0.2, y: float = 0.3, zero: float = 0.1, one: float = 0.4
) -> tuple[Matrix, list[bool]]:
    """10 codes, 30 tests; a right code passes the valid tests and no other, a wrong one passes a
    valid test with probability `one` and a wrong test with `zero`. At least one code is right.
    """
    right = [False]
    while not any(right):
        right = [rng.random() < x for _ in range(10)]
    valid = [rng.random() < y for _ in range(30)]
    matrix = [[v if r else rng.random() < (one if v else zero) for v in valid] for r in right]
    return matrix, right


def by_b4(matrix: Matrix, rng: random.Random) -> int:
    return groups(matrix, **SIMULATED)[0].codes[0]


def by_code_t(matrix: Matrix, rng: random.Random) -> int:
    found = groups(matrix, **SIMULATED)
    return max(found, key=lambda g: len(g.tests) * math.sqrt(len(g.codes))).codes[0]


def by_most_passed(matrix: Matrix, rng: random.Random) -> int:
    best = max(sum(row) for row in matrix)
    return rng.choice([i for i, row in enumerate(matrix) if sum(row) == best])


def by_chance(matrix: Matrix, rng: random.Random) -> int:
    return rng.randrange(len(matrix))


def share_right(choose: Choice, runs: int = 1500, **rates: float) -> float:
    rng = random.Random(4)
    right = 0
    for _ in range(runs):
        matrix, truth = simulated(rng, **rates)
        right += truth[choose(matrix, rng)]
    return right / runs


def test_b4_chooses_best_then_codet_then_most_passed_then_chance():
    rules: list[Choice] = [by_b4, by_code_t, by_most_passed, by_chance]
    found = [share_right(choose) for choose in rules]
    print("B4 {:.2f}, CodeT {:.2f}, MaxPass {:.2f}, random {:.2f}".format(*found))
    b4, code_t, most, chance = found
    assert b4 > 0.94
    assert b4 > code_t + 0.05
    assert code_t > most + 0.05
    assert most > chance + 0.2


def test_its_lead_is_larger_where_wrong_codes_pass_more():
    b4 = share_right(by_b4, one=0.6, zero=0.2)
    code_t = share_right(by_code_t, one=0.6, zero=0.2)
    print(f"harder: B4 {b4:.2f}, CodeT {code_t:.2f}")
    assert b4 > code_t + 0.2


def test_codes_that_pass_the_same_tests_are_one_group():
    found = groups([[True, True, False], [True, True, False], [False, False, True]])
    assert found[0] == Group((0, 1), (0, 1), found[0].score)
    assert [group.codes for group in found] == [(0, 1), (2,)]
    assert found[0].score > found[1].score


def test_whoever_passes_nothing_is_last():
    found = groups([[False, False], [False, False], [False, False], [True, False]])
    assert [group.codes for group in found] == [(3,), (0, 1, 2)]
    assert found[-1].score == -math.inf


def test_an_empty_matrix_has_no_groups_and_a_ragged_one_is_refused():
    assert groups([]) == ()
    with pytest.raises(ValueError, match="equally long"):
        groups([[True], [True, False]])
