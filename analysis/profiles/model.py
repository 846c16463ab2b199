"""What every profile is read into, whatever tool wrote it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FunctionCost:
    """What one function cost; all costs are in the profile's unit.

    For a function of the workspace `path` is its file here, else what the tool wrote. `line` is
    the 1-based first line of the function (its first decorator) when the profile was written.
    `self_cost` counts its own lines (lambdas and comprehensions written in them included),
    `total_cost` all that ran while it was on the stack, counted once under recursion, and
    `direct_cost` its own lines and the builtin, library and native code that it calls, up to where
    that calls the workspace again.
    """

    path: str
    name: str
    line: int
    self_cost: float
    total_cost: float
    direct_cost: float
    calls: int | None


@dataclass(frozen=True)
class Profile:
    """A profile of one run. `total` is its whole cost in `unit`: seconds, samples or bytes."""

    tool: str
    unit: str
    total: float
    functions: tuple[FunctionCost, ...]
