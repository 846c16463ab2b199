"""Rules first, then a model: a model never makes hasten find less than it finds without one."""

from __future__ import annotations

from optimizer.protocols import Observation, Proposal, Proposer


class Portfolio:
    """`first`'s proposals, at most half of those asked for, then `second`'s."""

    def __init__(self, first: Proposer, second: Proposer) -> None:
        self._first, self._second = first, second

    def propose(self, seen: Observation, n: int) -> Proposal:
        """At most `n` in all, and at least one place for `second`."""
        one = self._first.propose(seen, n // 2) if n > 1 else Proposal(())
        two = self._second.propose(seen, n - len(one.candidates))
        return Proposal(
            one.candidates + two.candidates, one.invalid + two.invalid, one.tokens + two.tokens
        )
