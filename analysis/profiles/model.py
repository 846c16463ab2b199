"""What every profile is read into, whatever tool wrote it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Unit = Literal["seconds", "samples", "bytes", "allocations", "instructions"]
"""What costs are counted in; "bytes" are bytes allocated."""


@dataclass(frozen=True)
class FunctionCost:
    """What one function cost; all costs are in the profile's unit.

    For a function of the workspace `path` is its file here, else what the tool wrote. `line` is
    the 1-based first line of the function (its first decorator) when the profile was written; 0
    where the format does not tell. `self_cost` counts its own lines (lambdas and comprehensions
    written in them included), `total_cost` all that ran while it was on the stack, counted once
    under recursion, and `direct_cost` its own lines and the builtin, library and native code that
    it calls, up to where that calls the workspace again. `native_cost` is the part of
    `direct_cost` that ran outside of Python code (builtins, extension modules, the kernel), None
    where the format does not tell. `calls` is None where calls were not counted.
    """

    path: str
    name: str
    line: int
    self_cost: float
    total_cost: float
    direct_cost: float
    calls: int | None
    native_cost: float | None = None


@dataclass(frozen=True)
class LineCost:
    """What one line of a workspace file cost; `line` is 1-based, when the profile was written.

    `total_cost` holds what the line calls. `native_cost` and `hits` as of FunctionCost and its
    `calls`; `direct_cost` too, None where the format's `self_cost` of a line already is that.
    """

    path: str
    line: int
    self_cost: float
    total_cost: float
    native_cost: float | None = None
    hits: int | None = None
    direct_cost: float | None = None


@dataclass(frozen=True)
class LineMemory:
    """What one line did to memory: bytes at the peak, bytes allocated, bytes copied per second."""

    path: str
    line: int
    peak_bytes: float | None = None
    allocated_bytes: float | None = None
    copied_bytes_per_s: float | None = None


@dataclass(frozen=True)
class CallCost:
    """One function called by another; both are places in `Profile.functions`.

    The caller is of the workspace. So is the callee, called directly or through library code, or it
    is a builtin or library function, where the format tells those apart. `cost` is what ran in the
    callee on behalf of this caller (in a library function without what it calls of the workspace),
    `calls` None where not counted.
    """

    caller: int
    callee: int
    calls: int | None
    cost: float


@dataclass(frozen=True)
class StackCost:
    """What ran in exactly this stack: places in `Profile.functions`, outermost first."""

    frames: tuple[int, ...]
    cost: float


@dataclass(frozen=True)
class Profile:
    """A profile of one run. `total` is its whole cost in `unit`.

    `sampled` tells that costs are estimates from samples. `lines`, `calls`, `stacks` and `memory`
    are empty where the format has none; of many stacks the heaviest are kept.
    """

    tool: str
    unit: Unit
    total: float
    functions: tuple[FunctionCost, ...]
    sampled: bool = False
    lines: tuple[LineCost, ...] = ()
    calls: tuple[CallCost, ...] = ()
    stacks: tuple[StackCost, ...] = ()
    memory: tuple[LineMemory, ...] = ()
