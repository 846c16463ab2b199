"""Calls of stonesoup's functions that its tests do not make."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import numpy as np
from attempts import attempt
from stonesoup.hypothesiser.distance import DistanceHypothesiser
from stonesoup.hypothesiser.gaussianmixture import GaussianMixtureHypothesiser
from stonesoup.measures import Euclidean, Mahalanobis
from stonesoup.metricgenerator.ospametric import OSPAMetric
from stonesoup.models.measurement.linear import LinearGaussian
from stonesoup.models.transition.linear import (
    CombinedLinearGaussianTransitionModel,
    ConstantVelocity,
)
from stonesoup.predictor.kalman import KalmanPredictor
from stonesoup.types.detection import Detection
from stonesoup.types.mixture import GaussianMixture
from stonesoup.types.state import State, TaggedWeightedGaussianState, WeightedGaussianState
from stonesoup.updater.kalman import KalmanUpdater

RANDOM = random.Random(3)
START = datetime(2024, 3, 1, 12)


def hypotheses():
    """Mixtures of Gaussians against detections."""
    moves = CombinedLinearGaussianTransitionModel([ConstantVelocity(0.05), ConstantVelocity(0.05)])
    sees = LinearGaussian(4, (0, 2), np.diag([0.5, 0.5]))
    distance = DistanceHypothesiser(
        KalmanPredictor(moves), KalmanUpdater(sees), measure=Mahalanobis(), missed_distance=20
    )
    for number, (many, seen) in enumerate(((1, 2), (2, 3), (3, 5), (5, 6), (8, 6), (10, 8))):
        kind = TaggedWeightedGaussianState if number % 2 else WeightedGaussianState
        tags = ["birth", "a", "b", "c"]
        components = GaussianMixture(
            [
                kind(
                    np.array([[RANDOM.uniform(0, 30)], [1], [RANDOM.uniform(0, 30)], [0.5]]),
                    np.diag([1, 0.5, 1, 0.5]),
                    timestamp=START,
                    weight=1 / many,
                    **({"tag": tags[place % 4]} if number % 2 else {}),
                )
                for place in range(many)
            ]
        )
        later = START + timedelta(seconds=1)
        detections = [
            Detection(
                np.array([[RANDOM.uniform(0, 30)], [RANDOM.uniform(0, 30)]]),
                timestamp=later,
                measurement_model=sees,
            )
            for _ in range(seen)
        ]
        for by_detection in (False, True):
            whole = GaussianMixtureHypothesiser(distance, order_by_detection=by_detection)
            attempt(whole.hypothesise, components, detections, later)


def distances():
    """How far tracks are from the truth over time."""
    for steps, targets, seen in ((1, 3, 3), (4, 1, 2), (8, 3, 3), (15, 4, 6), (30, 5, 5)):
        truth, tracks = [], []
        for step in range(steps):
            now = START + timedelta(seconds=step)
            spots = [np.array([[10 * place + step], [place]]) for place in range(targets)]
            truth += [State(spot, timestamp=now) for spot in spots]
            for place in range(seen):
                error = np.array([[RANDOM.gauss(0, 1)], [RANDOM.gauss(0, 1)]])
                tracks.append(State(spots[place % targets] + error, timestamp=now))
        metric = OSPAMetric(c=10, p=1 + steps % 2, measure=Euclidean())
        names = list(range(len(tracks))), list(range(len(truth)))
        attempt(metric.compute_over_time, tracks, names[0], truth, names[1])


hypotheses()
distances()
