"""What the tries so far show, in words, with no model."""

from __future__ import annotations

from optimizer.protocols import Node

_SHOWN = 4
_LENGTH = 300


class FailureCritic:
    """The last failures of this node's children: the counterexamples are the best teachers."""

    def critique(self, node: Node) -> str | None:
        """One line for each of the last failures, or None."""
        failed = [c for c in node.children if not c.evaluation.ok and c.evaluation.failure]
        if not failed:
            return None
        lines = [
            f"- {c.candidate.title}: {(c.evaluation.failure or '')[:_LENGTH]}"
            for c in failed[-_SHOWN:]
        ]
        return "\n".join(lines)
