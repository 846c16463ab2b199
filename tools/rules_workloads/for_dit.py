"""Calls of dit's functions that its tests do not make."""

from __future__ import annotations

import random
from itertools import combinations, product

import dit
import numpy as np
from attempts import attempt
from dit.algorithms.mprojection import mflat_subsets_from_dependency
from dit.coding.universal import elias_omega
from dit.multivariate.common_informations.wyner_common_information import WynerCommonInformation
from dit.multivariate.logarithmic_decomposition import LogarithmicDecomposition
from dit.multivariate.secret_key_agreement.intrinsic_mutual_informations import (
    IntrinsicTotalCorrelation,
)
from dit.pid.measures.irav import PID_RAV, PID_RAV2
from dit.profiles.marginal_lift import MarginalLiftProfile
from dit.profiles.mflat import MFlatConnectedInformations

RANDOM = random.Random(11)


def distribution(alphabets, outcomes=0):
    """A random distribution over strings; over some of them only where that is asked for."""
    every = ["".join(outcome) for outcome in product(*alphabets)]
    chosen = sorted(RANDOM.sample(every, outcomes)) if outcomes else every
    weights = [RANDOM.uniform(0.1, 1) for _ in chosen]
    return dit.Distribution(chosen, [weight / sum(weights) for weight in weights])


def codes():
    """Codewords and dependencies."""
    for number in (1, 7, 100, 65_536, 10**12, 3**200, 7**1000, 10**3000):
        attempt(elias_omega, number)
    names = [f"X{number}" for number in range(12)]
    places = {name: number for number, name in enumerate(names)}
    for size in (2, 3, 5, 7, 9, 12):
        attempt(mflat_subsets_from_dependency, list(combinations(range(size), size // 2 + 1))[:40])
        attempt(mflat_subsets_from_dependency, [names[:size], names[-size:]], places)


def auxiliaries():
    """Distributions with their auxiliary variables."""
    cases = ("01", "01"), ("012", "01"), ("012", "0123"), ("01", "01", "01"), ("abcd", "0123")
    for number, alphabets in enumerate(cases):
        known = distribution(alphabets)
        np.random.seed(number)
        optimizer = WynerCommonInformation(known, bound=len(alphabets[0]))
        attempt(optimizer.construct_distribution, optimizer.construct_random_initial())
        optimizer = WynerCommonInformation(known, bound=4)
        attempt(optimizer.construct_distribution, optimizer.construct_random_initial(), 1e-3)
    for number, alphabets in enumerate((("01", "01", "01"), ("012", "01", "012"))):
        np.random.seed(number)
        optimizer = IntrinsicTotalCorrelation(distribution(alphabets), [[0], [1]], [2])
        attempt(optimizer.construct_distribution, optimizer.construct_random_initial())


def numbers():
    """Sizes of random numbers."""
    for low, high in ((-1, 1), (-3, 8), (-20, 20), (-60, 5), (-80, 80)):
        attempt(abs, dit.example_dists.uniform(low, high))
    for trials in (5, 20, 40):
        attempt(abs, dit.example_dists.binomial(trials, 0.4) - trials // 2)


def decompositions():
    """Logarithmic and partial information decompositions."""
    for alphabets, outcomes in (
        (("01", "01"), 0),
        (("01", "01", "01"), 5),
        (("01", "01", "01"), 0),
        (("012", "012"), 0),
        (("012", "01", "01"), 11),
        (("0123", "012"), 0),
    ):
        known = distribution(alphabets, outcomes)
        attempt(getattr, LogarithmicDecomposition(known), "atoms")
        decomposition = LogarithmicDecomposition(known)
        attempt(decomposition.content, [0])
        attempt(decomposition.content, [0, 1])
    for known in (
        dit.example_dists.giant_bit(3, 2),
        dit.example_dists.giant_bit(3, 3),
        distribution(("01", "01", "01"), 3),
        distribution(("012", "01", "01"), 3),
        dit.example_dists.And(),
    ):
        attempt(PID_RAV, known)
        attempt(PID_RAV2, known)


def profiles():
    """Profiles by order."""
    for known in (
        dit.example_dists.giant_bit(2, 2),
        distribution(("01", "01")),
        distribution(("012", "01")),
        distribution(("01", "01", "01")),
    ):
        attempt(MarginalLiftProfile, known, n_init=1)
        attempt(MarginalLiftProfile, known, mode="product", n_init=1)
        attempt(MFlatConnectedInformations, known, nrestarts=1, maxiter=3)
        attempt(MFlatConnectedInformations, known, 1, 3, criterion="reverse_kl", eps=1e-3)


codes()
auxiliaries()
numbers()
decompositions()
profiles()
