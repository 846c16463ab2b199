"""The one budget of a search: evaluations, tokens and seconds."""

from __future__ import annotations

import time
from dataclasses import dataclass, field


@dataclass
class Budget:
    """Counts what a search spends. A limit of None is no limit; `seconds` is wall clock."""

    evaluations: int
    tokens: int | None = None
    seconds: float | None = None
    spent_evaluations: int = 0
    spent_tokens: int = 0
    _started: float = field(default_factory=time.monotonic)

    def has_left(self) -> bool:
        """Whether another step may start."""
        if self.spent_evaluations >= self.evaluations:
            return False
        if self.tokens is not None and self.spent_tokens >= self.tokens:
            return False
        return self.seconds is None or time.monotonic() - self._started < self.seconds

    @property
    def evaluations_left(self) -> int:
        """Evaluations that may still be made."""
        return max(0, self.evaluations - self.spent_evaluations)

    @property
    def share(self) -> float:
        """Share of the evaluations that is spent, 0..1."""
        return min(1.0, self.spent_evaluations / self.evaluations) if self.evaluations else 1.0
