"""What is tried first when not everything can be."""

from __future__ import annotations

from difflib import SequenceMatcher

from optimizer.protocols import Candidate, Observation


class RulesThenSmallest:
    """Rules in the catalogue's order (likely gain), then a model's answers, smaller changes first.

    The offer is the smallest edit that holds the gain, so when the budget ends early it should end
    with the large rewrites untried.
    """

    def score(self, seen: Observation, candidate: Candidate) -> float:
        """2 for a rule, else the share of lines kept."""
        if candidate.edits and candidate.edits[-1].origin == "rule":
            return 2.0  # the sort is stable
        before, after = seen.node.candidate.source.splitlines(), candidate.source.splitlines()
        return SequenceMatcher(None, before, after, autojunk=False).ratio()
