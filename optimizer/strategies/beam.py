"""Beam search of RAS (arXiv 2501.18916, algorithm 1).

The paper's beam keeps the single best program and accepts only what is faster (width 1, greedy),
with k = 8 retrieved examples a step and m = 4 steps. Width is a parameter, since a landscape where
the largest immediate gain blocks the rest needs more than one.
"""

from __future__ import annotations

from collections.abc import Sequence

from optimizer.protocols import Node, Request


class Beam:
    """Keeps the best `width` candidates for `depth` steps, `examples` proposals from each."""

    def __init__(self, width: int = 1, depth: int = 4, examples: int = 8) -> None:
        self._width, self._depth, self._examples = width, depth, examples
        self._step = 0
        self._frontier: list[Node] = []
        self._found: list[Node] = []

    def ask(self, tree: Sequence[Node]) -> list[Request]:
        """Ask from each candidate of the beam; where no child was faster, from it once more."""
        if self._step >= self._depth:
            return []
        parents = self._frontier or [tree[0]]
        faster = sorted(self._found, key=lambda n: n.utility, reverse=True)
        kept = [p for p in parents if not any(c.parent is p for c in faster)]
        self._frontier = (faster + kept)[: self._width]
        self._found = []
        self._step += 1
        return [Request(node, self._examples) for node in self._frontier]

    def tell(self, node: Node) -> None:
        """Remember what was faster than its parent."""
        if node.evaluation.ok and node.parent is not None and node.utility > node.parent.utility:
            self._found.append(node)
