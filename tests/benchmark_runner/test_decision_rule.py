"""The whole decision on simulated pairs of processes: how often it claims what is not, or misses.

Nothing here repeats the rule. Simulated replicates go through the code that real ones go through:
first_phase, confirmation, judge. Seeds are fixed, so every run gives the same numbers; they are
printed (pytest -s).
"""

from __future__ import annotations

import math
import random
from collections import Counter

import pytest

from benchmark_runner.measuring.decision import Judgement, judge
from benchmark_runner.measuring.measurement import confirmation, first_phase
from benchmark_runner.measuring.rates import clopper_pearson
from benchmark_runner.measuring.samples import Samples
from benchmark_runner.measuring.tie_break import doubtful, second_opinion
from benchmark_runner.measuring.timing import Rates
from benchmark_runner.receipt import Instructions
from tests.benchmark_runner.noise import SPREADS, NoisyMachine

USUAL = {kind: spread for kind, spread in SPREADS.items() if spread <= 0.044}


def simulated_verify(machine: NoisyMachine) -> tuple[Judgement, Samples]:
    """What a proof does between equivalence and receipt, with nothing real to wait for."""
    inputs = [0, 1]
    rates = Rates(sizes=dict.fromkeys(inputs, 100))
    samples, step = first_phase(machine, inputs, rates)
    confirmed = None
    if step == "accept":
        confirmed = confirmation(machine, inputs, len(samples.runs), clock=samples.clock)
    return judge(samples, step, confirmed), samples


def decisions(gain: float, spread: float, runs: int) -> Counter[str]:
    rng = random.Random(f"{gain} {spread}")
    return Counter(
        simulated_verify(NoisyMachine(gain, spread, rng))[0].decision for _ in range(runs)
    )


def test_identical_code_is_called_faster_in_at_most_two_of_a_hundred():
    runs, found = 150, Counter[str]()
    for kind, spread in SPREADS.items():
        here = decisions(1.0, spread, runs)
        print(f"identical, {kind}: {dict(here)}")
        found += here
    _, most = clopper_pearson(found["faster"], runs * len(SPREADS))
    print(f"identical: {found['faster']} of {runs * len(SPREADS)}, at most {most:.2%} (95 %)")
    assert most <= 0.02


def test_the_noisiest_kind_alone_keeps_the_promise():
    found = decisions(1.0, SPREADS["int loop"], 450)
    _, most = clopper_pearson(found["faster"], 450)
    print(f"identical, 8 % spread: {dict(found)}, at most {most:.2%}")
    assert most <= 0.02


def test_ten_per_cent_are_found_in_85_of_a_hundred():
    runs, faster = 60, 0
    for kind, spread in USUAL.items():
        here = decisions(1.1, spread, runs)
        print(f"1.10x, {kind}: {dict(here)}")
        faster += here["faster"]
    share = faster / (runs * len(USUAL))
    print(f"1.10x: found {share:.1%} of {runs * len(USUAL)}")
    assert share >= 0.85


def test_five_per_cent_are_found_sometimes_and_two_per_cent_hardly_ever():
    five, two = decisions(1.05, 0.012, 150), decisions(1.02, 0.012, 150)
    print(f"1.05x: {dict(five)}, 1.02x: {dict(two)}")
    assert two["faster"] < 0.05 * 150
    assert five["faster"] > 5 * two["faster"]


def test_slower_code_is_never_called_faster_and_mostly_called_slower():
    found = decisions(1 / 1.1, 0.027, 100)
    assert found["faster"] == 0
    assert found["slower"] > 60


def test_identical_code_is_hardly_ever_called_slower():
    runs, found = 150, Counter[str]()
    for spread in SPREADS.values():
        found += decisions(1.0, spread, runs)
    _, most = clopper_pearson(found["slower"], runs * len(SPREADS))
    print(f"identical: slower {found['slower']} of {runs * len(SPREADS)}, at most {most:.2%}")
    assert most <= 0.02


def test_a_threefold_gain_is_found_at_any_noise():
    for spread in SPREADS.values():
        assert decisions(3.0, spread, 20)["faster"] == 20


def test_a_machine_that_drifts_and_preempts_more_is_no_reason_to_believe_more():
    rng = random.Random(7)
    found = Counter(
        simulated_verify(NoisyMachine(1.0, 0.02, rng, loaded=0.4, heavy=0.2))[0].decision
        for _ in range(300)
    )
    print(f"identical, 40 % preempted: {dict(found)}")
    assert clopper_pearson(found["faster"], 300)[1] <= 0.02


def _samples(gain: float, spread: float) -> Samples:
    machine = NoisyMachine(gain, spread, random.Random(3))
    return Samples([machine(number) for number in range(4)])


def _count(before: float, after: float) -> Instructions:
    return Instructions("callgrind", before, after, before / after, before > after)


def test_only_open_questions_and_narrow_claims_are_worth_a_count():
    narrow, clear, large = _samples(1.06, 0.02), _samples(1.001, 0.0), _samples(3.0, 0.02)
    assert doubtful(Judgement("faster", ""), narrow)
    assert doubtful(Judgement("inconclusive", ""), narrow)
    assert not doubtful(Judgement("not faster", ""), narrow)
    assert not doubtful(Judgement("inconclusive", ""), clear)
    assert not doubtful(Judgement("faster", ""), large)


@pytest.mark.parametrize("decision", ["faster", "inconclusive"])
def test_a_small_gain_without_fewer_instructions_is_none(decision):
    claimed = Judgement(decision, "1.06x")
    again, note = second_opinion(claimed, _samples(1.06, 0.02), _count(1000.0, 1000.0))
    assert again.decision == "not faster"
    assert "same instructions" in again.reason
    assert note.endswith("the same")


@pytest.mark.parametrize("decision", ["inconclusive", "not faster"])
def test_a_count_never_makes_a_claim(decision):
    given = Judgement(decision, "open")
    again, note = second_opinion(given, _samples(1.06, 0.02), _count(1100.0, 1000.0))
    assert again == given
    assert "9.1% fewer, which agrees" in note


def test_a_large_gain_of_locality_keeps_its_claim():
    claimed = Judgement("faster", "1.5x")
    assert second_opinion(claimed, _samples(1.5, 0.01), _count(1000.0, 1000.0))[0] == claimed
    again, note = second_opinion(claimed, _samples(1.5, 0.01), _count(1000.0, 1200.0))
    assert again == claimed
    assert "more, the clock says otherwise" in note


def test_the_noise_model_has_the_spread_that_it_names():
    machine = NoisyMachine(1.0, 0.04, random.Random(1), heavy=0.0)
    values = Samples([machine(number % 12) for number in range(400)]).values()
    mean = math.fsum(values) / len(values)
    spread = math.sqrt(math.fsum((v - mean) ** 2 for v in values) / (len(values) - 1))
    assert spread == pytest.approx(0.04, rel=0.2)
    assert abs(mean) < 0.01
