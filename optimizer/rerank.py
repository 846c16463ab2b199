"""What is tried first when not everything can be."""

from __future__ import annotations

from difflib import SequenceMatcher

from optimizer.protocols import Candidate, Observation


class RulesThenSmallest:
    """Rules before a model's answers, then the smaller change first.

    The offer is the smallest edit that holds the gain, so when the budget ends early it should end
    with the large rewrites untried.
    """

    def score(self, seen: Observation, candidate: Candidate) -> float:
        """Share of lines kept, plus one for a rule."""
        before, after = seen.node.candidate.source.splitlines(), candidate.source.splitlines()
        kept = SequenceMatcher(None, before, after, autojunk=False).ratio()
        return kept + (1.0 if candidate.edits and candidate.edits[-1].origin == "rule" else 0.0)
