"""Best-of-N: everything is proposed from the original, the fastest is kept.

The control of every search: sampling ten or more at equal budget beats many feedback loops
(arXiv 2403.14714), so it is always there to compare with.
"""

from __future__ import annotations

from collections.abc import Sequence

from optimizer.protocols import Node, Request


class BestOfN:
    """One request for `n` candidates from the original."""

    def __init__(self, n: int) -> None:
        self._n = n

    def ask(self, tree: Sequence[Node]) -> list[Request]:
        """The one request, once."""
        return [] if tree[0].asked else [Request(tree[0], self._n)]

    def tell(self, node: Node) -> None:
        """Nothing to learn: no request depends on another."""
