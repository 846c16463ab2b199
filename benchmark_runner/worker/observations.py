"""The nouns of a worker: what makes one, and what it tells. Used through `supervisor`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from benchmark_runner.sandbox.limits import Limits
from benchmark_runner.sandbox.policy import Sandbox
from benchmark_runner.workload import Version

Mode = Literal["full", "light", "twice", "partial", "order", "chain", "unseeded"]
"""What `observe` looks at.

full: everything. light: without globals, for many inputs. twice: the result of a first call is
changed in place, then a second call on fresh arguments is observed, with the first outcome's
digest beside. partial: of an iterator one item is taken, then it is closed; and of another one
none, with a digest of the arguments beside. order: as light, and at which places of the output
the arguments or the stream changed. chain: three more calls on what the first has changed.
unseeded: a second call that goes on with the random numbers where the first one stopped.
"""


@dataclass(frozen=True)
class Extra:
    """One more input, beside those that were given: equality is judged on it, time is not.

    `value` is canonical bytes of (args, kwargs); with `seed`, of a dict from place (an int, or the
    name of a keyword) to the value that replaces this argument of that given input. `source` says
    how it was made: "mutated", "branches", "hints", "stressing".
    """

    source: str
    value: bytes
    seed: int | None = None


@dataclass(frozen=True)
class InputsPlan:
    """Where a worker gets its inputs from.

    "file": `inputs()` of the user's file `path`. "captured": a folder `path` with `manifest.json`
    and `calls.bin` (repeated 8-byte little-endian length and a pickle of (args, kwargs)), which is
    unpickled in the worker only. "values": canonical bytes of (args, kwargs) each. `count` is the
    exact number to take; None takes up to `max_items`, for at most `max_seconds`. The `extra` ones
    come after these, all of them; with `only_extra` no others are called with. `source` is the
    name of where the others come from.
    """

    kind: Literal["file", "captured", "values"]
    path: Path | None = None
    values: tuple[bytes, ...] = ()
    count: int | None = None
    max_items: int = 200
    max_seconds: float = 2.0
    extra: tuple[Extra, ...] = ()
    source: str = ""
    only_extra: bool = False


@dataclass(frozen=True)
class WorkerSpec:
    """Everything that makes a worker. `called` is the qualified name, without `<locals>`."""

    python: Path
    path: Path
    called: str
    version: Version
    inputs: InputsPlan
    hash_seed: int
    project: Path
    limits: Limits = field(default_factory=Limits)
    sandbox: Sandbox = field(default_factory=Sandbox.reached)


Attempts = tuple[tuple[str, str], ...]
"""(kind, detail) of what the code tried: network, write, read, process, kill, ctypes,
introspection. Told by the worker itself: it shows honest attempts, not all of them."""


@dataclass(frozen=True)
class Loaded:
    """The version under test is imported. `import_cpu_s` is by the kernel's clock."""

    import_cpu_s: float
    module: str
    stdout: str
    stderr: str
    attempts: Attempts


@dataclass(frozen=True)
class InputInfo:
    """One input: digest of its canonical bytes, their size, and a short text of the call.

    `copied` is how fresh arguments are made of it: "pickle", "unpickle", "copy" or "again".
    `source` is where it comes from (see `InputsPlan` and `Extra`); `extra` ones are never timed
    with the others.
    """

    index: int
    digest: bytes
    size: int
    call: str
    copied: str
    source: str = ""
    extra: bool = False


@dataclass(frozen=True)
class Given:
    """What an input holds, where it is of builtin types only.

    `whole` is canonical bytes of (args, kwargs), None where some argument is of another type; then
    `parts` has the others, by place or name.
    """

    index: int
    whole: bytes | None
    parts: tuple[tuple[int | str, bytes], ...]


@dataclass(frozen=True)
class Examined:
    """What became of one trial call of an extra input.

    `kind`: "fine", "raised" (an exception, whose type is in `exception`), "late" (stopped after
    its time) or "unfit" (its arguments can't be copied). `call_s` is CPU seconds by the worker's
    own clock; `steps` the interpreter's, if they were asked for: -1 for too many, -2 for an
    exception. `digest` is of the arguments.
    """

    kind: str
    exception: str
    call_s: float
    steps: int
    digest: bytes


@dataclass(frozen=True)
class Observation:
    """One observed call.

    `payload` holds canonical bytes of a dict with the parts "outcome", "arguments", "output"
    (stdout, stderr), "rng", "warnings", "process"; in mode full also "globals", twice "first",
    partial "unstarted", order "order", chain "steps". `core` is the digest of outcome and
    arguments, the same that `check` gives. `kind` is "plain", "raise", "iterator", "coroutine" or
    "async iterator"; `lazy` tells that the result holds an iterator somewhere inside: time such
    inputs with `stage(..., encode=True)`. `rng`: the call drew random numbers, so in a batch only
    the first call repeats `core`. `cpu_s` and `wall_s` are of the whole request by the parent's
    clocks; `call_s` is the call alone by the worker's own, good for choosing sizes only. `marks`
    are texts on what is no part of the comparison but is told: "context" of an exception, "layout"
    of arrays in memory, "opaque" objects, of which only the type is known, what was "capped",
    "output" where there was any, and whether arguments were "changed".
    """

    payload: bytes
    core: bytes
    kind: str
    lazy: bool
    rng: bool
    cpu_s: float
    wall_s: float
    call_s: float
    attempts: Attempts
    marks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    heard: int = 0
    """Audit events of the call, each of which would cost a call of the tripwire's hook."""


@dataclass(frozen=True)
class Sealed:
    """All inputs taken in and called once, between one request and its reply.

    `cpu_s` is CPU seconds of the worker by the kernel; `digests` are as `check` gives them.
    `wall_s` is by the parent's clock. `modules` are the libraries that the inputs and the calls
    loaded: an import costs the time of many calls, so they are loaded before.
    """

    cpu_s: float
    wall_s: float
    digests: tuple[bytes, ...]
    modules: tuple[str, ...] = ()


@dataclass(frozen=True)
class Steps:
    """Interpreter steps of calls: three on the same arguments, one on each set of changed ones.

    -1 stands for too many to count, -2 for a call that raised. With the changed ones goes the
    digest of what came out.
    """

    same: tuple[int, ...]
    other: tuple[tuple[int, bytes], ...]
    attempts: Attempts


@dataclass(frozen=True)
class Timing:
    """A timed window by the parent's clocks."""

    cpu_s: float
    wall_s: float


@dataclass(frozen=True)
class MemoryUse:
    """Bytes of one call by tracemalloc, as the worker tells them: honest versions' are right.

    `peak` was held at once, `held` is left at its end (the result), `allocated` is what its lines
    asked for, None where there are too many of them to follow. `resident` is the most that the
    process had so far, by the kernel; None where that is not told.
    """

    peak: int
    held: int
    allocated: int | None
    resident: int | None
