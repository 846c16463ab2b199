"""Candidates that cheat, one table by kind of cheat; and the world that they must not touch."""

from __future__ import annotations

from tests.benchmark_runner.hostile import answers, bombs, clocks, escapes, forging, memories
from tests.benchmark_runner.hostile.cheat import Cheat

ANSWERING: tuple[Cheat, ...] = (*answers.CHEATS, *memories.CHEATS, *clocks.CHEATS)
"""Those that attack nothing but the verdict."""

CHEATS: tuple[Cheat, ...] = (
    *ANSWERING,
    *forging.CHEATS,
    *escapes.CHEATS,
    *bombs.CHEATS,
)
"""All of them, from the list of cheats that others have seen in model-written optimizations."""
