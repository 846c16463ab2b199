"""The catalogue as a proposer for C++: its candidates are ones that may be built."""

from analysis.decompose import normalised_key
from analysis.gate import check_candidate
from optimizer.proposers.catalogue import CatalogueProposer
from optimizer.protocols import Candidate, Evaluation, Node, Observation

TEXT = """\
#include <algorithm>
#include <vector>

int common(const std::vector<int> &xs, const std::vector<int> &ys) {
    std::vector<int> seen;
    for (int x : xs) {
        if (std::find(ys.begin(), ys.end(), x) != ys.end()) {
            seen.push_back(x);
        }
    }
    return seen.size();
}
"""
NAME = "common(const std::vector<int> &, const std::vector<int> &)"


def test_candidates_pass_the_gate():
    text = Candidate(TEXT, (), normalised_key(TEXT, NAME, "f.cpp"))
    node = Node(0, None, text, Evaluation("timing", True), 0)
    seen = Observation(node, (), node, (), None, 0)
    found = CatalogueProposer("f.cpp", NAME).propose(seen, 8).candidates
    assert [c.edits[-1].source for c in found] == ["find-in-loop-set"]
    assert check_candidate(TEXT, found[0].source, NAME, "f.cpp") is None
    assert "ys_set.count(x) != 0" in found[0].source
