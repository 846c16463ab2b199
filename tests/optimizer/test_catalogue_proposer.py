"""The catalogue as a proposer: order, and rules that gain little."""

from analysis.decompose import normalised_key
from optimizer.proposers.catalogue import CatalogueProposer
from optimizer.protocols import Candidate, Evaluation, Node, Observation

TEXT = """def split(xs, ys):
    small = []
    large = []
    for x in xs:
        if x in ys:
            small.append(x)
        else:
            large.append(x)
    return small, large
"""


def root() -> Node:
    text = Candidate(TEXT, (), normalised_key(TEXT, "split"))
    return Node(0, None, text, Evaluation("timing", True), 0)


def proposals(node: Node, proposer: CatalogueProposer) -> list[str]:
    seen = Observation(node, node.ancestors(), node, (), None, 0)
    return [c.edits[-1].source for c in proposer.propose(seen, 8).candidates]


def test_the_likely_largest_gain_comes_first_and_small_rules_at_one_place_only():
    found = proposals(root(), CatalogueProposer("f.py", "split"))
    assert found[0] == "membership-set"
    assert found.count("hoist-method") == 1


def test_a_small_rule_that_was_not_faster_is_not_tried_elsewhere():
    node, proposer = root(), CatalogueProposer("f.py", "split")
    seen = Observation(node, (), node, (), None, 0)
    for number, candidate in enumerate(proposer.propose(seen, 8).candidates):
        small = candidate.edits[-1].source == "hoist-method"
        tried = Evaluation("timing" if small else "equivalence", False, "no gain")
        node.children.append(Node(number + 1, node, candidate, tried, 1))
    assert "hoist-method" not in proposals(node, proposer)


def test_a_small_rule_that_was_faster_is_tried_at_the_next_place():
    node, proposer = root(), CatalogueProposer("f.py", "split")
    seen = Observation(node, (), node, (), None, 0)
    [first] = [
        c for c in proposer.propose(seen, 8).candidates if c.edits[-1].source == "hoist-method"
    ]
    child = Node(1, node, first, Evaluation("timing", True, utility=0.1), 1)
    node.children.append(child)
    assert "hoist-method" in proposals(child, proposer)
