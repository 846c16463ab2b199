"""Calls of mlxtend's functions that its tests do not make."""

import random

import numpy as np
import pandas as pd
from attempts import attempt
from mlxtend.classifier import StackingClassifier
from mlxtend.feature_selection import ExhaustiveFeatureSelector, SequentialFeatureSelector
from mlxtend.preprocessing import TransactionEncoder
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

GOODS = [
    *("apples", "bananas", "beans", "beer", "bread", "butter", "cheese", "chips", "coffee"),
    *("corn", "eggs", "flour", "garlic", "ham", "honey", "jam", "kidney beans", "lemons", "milk"),
    *("nutmeg", "oil", "onion", "pasta", "pepper", "rice", "salt", "sugar", "tea", "yogurt"),
]


def classes(rng, rows, columns, labels):
    """Points of some normally distributed clusters, and the cluster of each."""
    y = np.array([rng.randrange(labels) for _ in range(rows)])
    spread = np.array([[rng.gauss(0, 1) for _ in range(columns)] for _ in range(rows)])
    return spread + y[:, None] * np.linspace(0, 1.5, columns), y


def transactions(rng):
    for baskets, items in ((5, 4), (60, 6), (400, 10), (1500, 12), (3000, 9)):
        bought = [rng.sample(GOODS, rng.randint(1, items)) for _ in range(baskets)]
        attempt(TransactionEncoder().fit, bought)
    numbered = [[rng.randrange(5000) for _ in range(40)] for _ in range(300)]
    attempt(TransactionEncoder().fit, numbered)
    attempt(TransactionEncoder().fit, [sorted(set(basket)) for basket in numbered])


def exhaustive(rng):
    X, y = classes(rng, 60, 3, 3)
    named = pd.DataFrame(X, columns=["length", "width", "weight"])
    wide, labels = classes(rng, 80, 4, 2)
    cases = [
        (named, y, GaussianNB(), {"min_features": 1, "max_features": 1, "cv": 2}),
        (X, y, GaussianNB(), {"min_features": 1, "max_features": 3, "cv": 0}),
        (named, y, GaussianNB(), {"max_features": 2, "fixed_features": ("length",), "cv": 0}),
        (X, X[:, 0] + y, LinearRegression(), {"max_features": 2, "scoring": "r2", "cv": 0}),
        (wide, labels, GaussianNB(), {"min_features": 2, "max_features": 2, "cv": 0}),
        (wide, labels, GaussianNB(), {"feature_groups": [[0, 1], [2], [3]], "cv": 0}),
    ]
    for data, target, estimator, options in cases:
        selector = ExhaustiveFeatureSelector(estimator, print_progress=False, **options)
        if attempt(selector.fit, data, target) is not None:
            attempt(selector.get_metric_dict)
            attempt(selector.get_metric_dict, 0.9, 3)


def sequential(rng):
    X, y = classes(rng, 60, 3, 3)
    named = pd.DataFrame(X, columns=["length", "width", "weight"])
    wide, labels = classes(rng, 80, 4, 2)
    cases = [
        (named, y, GaussianNB(), {"k_features": 1, "cv": 2}),
        (X, y, GaussianNB(), {"k_features": (1, 3), "cv": 0}),
        (X, y, GaussianNB(), {"k_features": "best", "forward": False, "cv": 0}),
        (named, y, GaussianNB(), {"k_features": 2, "fixed_features": ("length",), "cv": 2}),
        (wide, labels, GaussianNB(), {"k_features": 2, "floating": True, "cv": 0}),
        (X, y, GaussianNB(), {"k_features": "parsimonious", "cv": 0}),
        (wide, wide[:, 0] + labels, LinearRegression(), {"k_features": 3, "cv": 0}),
        (wide, labels, GaussianNB(), {"feature_groups": [[0, 1], [2], [3]], "cv": 0}),
    ]
    for data, target, estimator, options in cases:
        selector = SequentialFeatureSelector(estimator, **options)
        if attempt(selector.fit, data, target) is not None:
            attempt(selector.get_metric_dict)
            attempt(selector.get_metric_dict, confidence_interval=0.9)


def parameters():
    models = [KNeighborsClassifier(), GaussianNB(), DecisionTreeClassifier(random_state=1)]
    stack = StackingClassifier(classifiers=models, meta_classifier=LogisticRegression())
    attempt(stack.set_params, kneighborsclassifier__n_neighbors=3, use_probas=True)
    attempt(stack.set_params, gaussiannb=GaussianNB(var_smoothing=1e-6))
    attempt(
        stack.set_params, decisiontreeclassifier__max_depth=4, meta_classifier__C=0.5, verbose=0
    )
    attempt(stack.set_params, classifiers=[GaussianNB(), DecisionTreeClassifier(max_depth=2)])
    several = [KNeighborsClassifier(n_neighbors=k) for k in range(1, 20, 2)]
    several = StackingClassifier(classifiers=several, meta_classifier=LogisticRegression())
    changes = {f"kneighborsclassifier-{i}__weights": "distance" for i in range(1, 11)}
    attempt(several.set_params, **changes)
    changes = {f"kneighborsclassifier-{i}": GaussianNB(var_smoothing=10.0**-i) for i in (1, 4, 10)}
    attempt(several.set_params, **changes)
    selector = SequentialFeatureSelector(KNeighborsClassifier(), k_features=2)
    attempt(selector.set_params, estimator__n_neighbors=7)
    attempt(selector.set_params, k_features=3, floating=True)


def main():
    rng = random.Random(25)
    transactions(rng)
    exhaustive(rng)
    sequential(rng)
    parameters()


if __name__ == "__main__":
    main()
