"""What the tries so far show, in words, with no model."""

from __future__ import annotations

from analysis.functions import function_named
from optimizer.proposers.splice import dedented
from optimizer.protocols import Node

_SHOWN = 4
_LENGTH = 300
_CODE_SHOWN = 2
_CODE_CHARS = 3_000


class FailureCritic:
    """The last failures of this node's children: the counterexamples are the best teachers.

    Of a model's last tries that did not do the same, the code is shown too: without it "the result
    differs" can't be understood.
    """

    def __init__(self, path: str, qualname: str) -> None:
        self._path, self._qualname = path, qualname

    def critique(self, node: Node) -> str | None:
        """One line for each of the last failures, or None."""
        failed = [c for c in node.children if not c.evaluation.ok and c.evaluation.failure]
        if not failed:
            return None
        wrong = [c for c in failed if c.candidate.origin == "model" and self._differs(c)]
        lines: list[str] = []
        for child in failed[-_SHOWN:]:
            reason = (child.evaluation.failure or "")[:_LENGTH]
            lines.append(f"- {child.candidate.title}: {reason}")
            if child in wrong[-_CODE_SHOWN:]:
                lines.append(self._code(child))
        return "\n".join(lines)

    @staticmethod
    def _differs(child: Node) -> bool:
        return child.evaluation.stage == "equivalence"

    def _code(self, child: Node) -> str:
        text = child.candidate.source
        function = function_named(text, self._path, self._qualname)
        return "" if function is None else dedented(text, function)[:_CODE_CHARS]
