"""The shipped table of what findings are worth in public packages: whole, and as its trials say."""

from __future__ import annotations

import json
from collections import defaultdict

from analysis.rules.catalogue import python_rules
from analysis.rules.evidence import PRECISION, Precision, load_precision
from tools.rules_precision import TRIALS, WANTED, Trial, read_trials


def rows() -> dict[str, Precision]:
    found = {row.rule: row for row in load_precision()}
    assert sorted(found) == sorted(rule.id for rule in python_rules())
    return found


def test_of_each_rule_twenty_findings_were_tried_or_each_was_begun() -> None:
    left = [r for r, row in rows().items() if row.tried < WANTED and row.begun < row.found]
    assert left == []


def test_it_is_of_at_least_ten_packages() -> None:
    assert len(json.loads(PRECISION.read_text("utf-8"))["packages"]) >= 10


def test_it_is_the_sum_of_the_trials() -> None:
    trials: defaultdict[str, list[Trial]] = defaultdict(list)
    for trial in read_trials(TRIALS).values():
        trials[trial.rule].append(trial)
    for rule, row in rows().items():
        own = [trial for trial in trials[rule] if trial.tried]
        assert (row.begun, row.tried) == (len(trials[rule]), len(own)), rule
        assert row.equal == sum(trial.equal for trial in own), rule
        assert row.good == sum(trial.equal and trial.not_slower for trial in own), rule
        assert all(trial.reason for trial in trials[rule] if not trial.tried), rule
