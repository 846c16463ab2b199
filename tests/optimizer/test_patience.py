from __future__ import annotations

import math

import pytest

from analysis.edits import AtomicEdit, Origin
from analysis.text import TextChange
from optimizer.patience import may_wait, unnoticed
from optimizer.protocols import Candidate, Evaluation, Node

TEXT = "aaa\nbbb\nccc\n"
ROOT = Candidate(TEXT, (), "root")


def candidate(start: int, end: int, origin: Origin = "rule") -> Candidate:
    edit = AtomicEdit("t", "d", (TextChange(start, end, "x"),), origin, "r")
    return Candidate(edit.apply(TEXT), (edit,), f"{start}-{end}-{origin}")


def root_with(child: Candidate, ratio: float, *, ok: bool = True) -> Node:
    root = Node(0, None, ROOT, Evaluation("timing", True, utility=0.0), 0)
    evaluation = Evaluation("timing", ok, None, math.log(ratio), ratio)
    root.children.append(Node(1, root, child, evaluation, 1))
    return root


@pytest.mark.parametrize(
    ("made", "root", "waits"),
    [
        (candidate(4, 6), root_with(candidate(0, 2), 5.0), True),
        (candidate(1, 2), root_with(candidate(0, 1), 5.0), False),  # the same line: an alternative
        (candidate(4, 6), root_with(candidate(0, 2), 1.1), False),  # a small gain hides nothing
        (candidate(4, 6), root_with(candidate(0, 2), 5.0, ok=False), False),
        (candidate(4, 6, "model"), root_with(candidate(0, 2), 5.0), False),
        (candidate(4, 6), root_with(candidate(0, 2, "model"), 5.0), False),
    ],
)
def test_only_an_independent_edit_of_a_rule_waits(made: Candidate, root: Node, waits: bool) -> None:
    assert may_wait(made, root) is waits


def test_a_search_ends_when_what_is_left_is_not_worth_it() -> None:
    best = root_with(ROOT, 10.0).children[0]
    assert unnoticed(0.15, 0.02)(best)
    assert not unnoticed(0.25, 0.02)(best)
    assert not unnoticed(None, 0.02)(best)
