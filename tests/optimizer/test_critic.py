"""What a model is told about tries that were refused."""

from __future__ import annotations

from analysis.edits import AtomicEdit, Origin
from optimizer.critic import FailureCritic
from optimizer.protocols import Candidate, Evaluation, Node, Stage

TEXT = "def f(x):\n    return x\n"
GOOD = Evaluation("timing", True, utility=1.0)


def tried(root: Node, body: str, origin: Origin, stage: Stage, failure: str | None) -> None:
    edit = AtomicEdit(f"do {body}", "d", (), origin, "s")
    candidate = Candidate(TEXT.replace("return x", f"return {body}"), (edit,), body)
    evaluation = GOOD if failure is None else Evaluation(stage, False, failure)
    root.children.append(Node(len(root.children) + 1, root, candidate, evaluation, 1))


def test_wrong_answers_of_a_model_are_shown_with_their_code_and_others_by_name() -> None:
    root = Node(0, None, Candidate(TEXT, (), "k"), GOOD, 0)
    tried(root, "first", "model", "equivalence", "the result differs")
    tried(root, "second", "model", "timing", "not faster")
    tried(root, "third", "rule", "equivalence", "another result")
    tried(root, "fourth", "model", "timing", None)
    shown = FailureCritic("/w/m.py", "f").critique(root)
    assert shown is not None
    assert "- do first: the result differs\ndef f(x):\n    return first" in shown
    assert "- do second: not faster" in shown
    assert "- do third: another result" in shown
    for absent in ("return second", "return third", "fourth"):
        assert absent not in shown


def test_without_a_failure_there_is_nothing_to_say() -> None:
    root = Node(0, None, Candidate(TEXT, (), "k"), GOOD, 0)
    tried(root, "fine", "model", "timing", None)
    assert FailureCritic("/w/m.py", "f").critique(root) is None
