from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from analysis.edits import AtomicEdit, Origin
from analysis.errors import Cancelled
from analysis.progress import CancelToken
from optimizer.budget import Budget
from optimizer.driver import Driver, Parts
from optimizer.protocols import Candidate, Evaluation, Node, Observation, Proposal
from optimizer.rerank import RulesThenSmallest
from optimizer.strategies.best_of_n import BestOfN
from optimizer.trial_log import TrialLog

ROOT = Candidate("root", (), "root")


def candidate(name: str) -> Candidate:
    return Candidate(name, (AtomicEdit(name, "d", (), "rule", "r"),), name)


class Listed:
    """Proposes given names once; notes that it was asked."""

    def __init__(self, *names: str, invalid: tuple[str, ...] = (), tokens: int = 0) -> None:
        self._proposal = Proposal(tuple(map(candidate, names)), invalid, tokens)
        self.asked = 0

    def propose(self, seen: Observation, n: int) -> Proposal:
        self.asked += 1
        return self._proposal


class Judge:
    """`ok...` is faster, `boom` raises, all else fails; calls are counted."""

    def __init__(self, cancel: CancelToken | None = None) -> None:
        self.seen: list[str] = []
        self._cancel = cancel

    def evaluate(self, candidate: Candidate, parent: Node) -> Evaluation:
        self.seen.append(candidate.source)
        if self._cancel:
            self._cancel.cancel()
        if candidate.source == "boom":
            raise RuntimeError("the evaluator broke")
        if candidate.source.startswith("ok"):
            return Evaluation("timing", True, None, math.log(2 + len(candidate.source)), 2.0)
        return Evaluation("equivalence", False, "differs")


def run(parts: Parts, budget: Budget | None = None, **more: object):  # type: ignore[no-untyped-def]
    return Driver(parts, budget or Budget(32), **more).run(ROOT)  # type: ignore[arg-type]


def test_the_best_of_all_tries_is_kept() -> None:
    found = run(Parts(BestOfN(9), Listed("ok", "bad", "okay"), Judge()))
    assert found.best.candidate.source == "okay"
    assert [n.candidate.source for n in found.failures] == ["bad"]


def test_a_failing_evaluation_does_not_end_the_search() -> None:
    found = run(Parts(BestOfN(9), Listed("boom", "ok"), Judge()))
    assert found.best.candidate.source == "ok"
    assert found.tree[1].evaluation.stage == "internal"
    assert "the evaluator broke" in (found.tree[1].evaluation.failure or "")


def test_a_failing_proposer_is_replaced_by_the_fallback() -> None:
    class Broken:
        def propose(self, seen: Observation, n: int) -> Proposal:
            raise ValueError("no")

    found = run(Parts(BestOfN(9), Broken(), Judge(), fallback=Listed("ok")))
    assert found.best.candidate.source == "ok"
    assert len(found.invalid) == 1


def test_the_fallback_fills_as_many_places_as_were_invalid() -> None:
    judge = Judge()
    proposer = Listed("ok", invalid=("nonsense",))
    found = run(Parts(BestOfN(9), proposer, judge, fallback=Listed("ok1", "ok2", "ok3")))
    assert judge.seen == ["ok", "ok1"]
    assert (found.invalid, found.fallbacks) == (["nonsense"], 1)


def test_the_fallback_is_not_asked_when_all_answers_are_valid() -> None:
    fallback = Listed("ok1")
    run(Parts(BestOfN(9), Listed("ok"), Judge(), fallback=fallback))
    assert fallback.asked == 0


def test_the_same_code_is_run_once() -> None:
    judge = Judge()
    found = run(Parts(BestOfN(9), Listed("ok", "ok", "root"), judge))
    assert judge.seen == ["ok"]
    assert found.duplicates == 2


def test_what_the_gate_refuses_is_not_run_and_keeps_its_reason() -> None:
    judge = Judge()

    def gate(c: Candidate) -> Evaluation | None:
        return Evaluation("static", False, "undefined name") if c.source == "ok1" else None

    found = run(Parts(BestOfN(9), Listed("ok1", "ok2"), judge, gate=gate))
    assert judge.seen == ["ok2"]
    assert [n.evaluation.failure for n in found.failures] == ["undefined name"]


def test_the_reranker_decides_what_a_small_budget_runs() -> None:
    class Longest:
        def score(self, seen: Observation, candidate: Candidate) -> float:
            return len(candidate.source)

    judge = Judge()
    run(Parts(BestOfN(9), Listed("ok", "okok", "oko"), judge, reranker=Longest()), Budget(2))
    assert judge.seen == ["okok", "oko"]


@pytest.mark.parametrize("budget", [Budget(2), Budget(9, tokens=5), Budget(9, seconds=0.0)])
def test_every_budget_ends_the_search(budget: Budget) -> None:
    judge = Judge()
    run(Parts(BestOfN(9), Listed("ok1", "ok2", "ok3", tokens=9), judge), budget)
    assert len(judge.seen) <= 2


def test_cancel_is_heard_between_two_tries() -> None:
    cancel = CancelToken()
    judge = Judge(cancel)
    with pytest.raises(Cancelled):
        run(Parts(BestOfN(9), Listed("ok1", "ok2"), judge), cancel=cancel)
    assert judge.seen == ["ok1"]


def test_every_try_is_a_line_of_the_log(tmp_path: Path) -> None:
    log = TrialLog(tmp_path / "trials.jsonl", function="f")
    run(Parts(BestOfN(9), Listed("ok", "bad", invalid=("x",)), Judge()), log=log)
    lines = [json.loads(line) for line in (tmp_path / "trials.jsonl").read_text().splitlines()]
    assert [(e["event"], e.get("title"), e.get("ok")) for e in lines] == [
        ("invalid", None, None), ("try", "ok", True), ("try", "bad", False),
    ]  # fmt: skip
    assert all(e["function"] == "f" for e in lines)


def test_a_log_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    log = TrialLog(tmp_path / "file" / "trials.jsonl")
    assert run(Parts(BestOfN(9), Listed("ok"), Judge()), log=log).best.candidate.source == "ok"


def test_rules_keep_their_order_and_a_models_smaller_change_comes_first() -> None:
    def made(name: str, origin: Origin, text: str) -> Candidate:
        return Candidate(text, (AtomicEdit(name, "d", (), origin, "r"),), name)

    root = Node(0, None, Candidate("a\nb\nc", (), "r"), Evaluation("timing", True), 0)
    seen = Observation(root, (), root, (), None, 0)
    given = [
        made("large", "model", "x\ny\nz"),
        made("small", "model", "a\nb\nz"),
        made("first", "rule", "x\ny\nz"),
        made("second", "rule", "a\nb\nz"),
    ]
    rank = RulesThenSmallest()
    ordered = sorted(given, key=lambda c: rank.score(seen, c), reverse=True)
    assert [c.title for c in ordered] == ["first", "second", "small", "large"]
