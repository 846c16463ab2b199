"""What the engine and its clients say to each other: JSON-RPC 2.0 over a user-only Unix socket.

One JSON value a line. Requests: ``engine/status`` -> Status, ``job/start`` {spec} -> {"job": id},
``job/cancel`` {"job"} -> null, ``engine/stop`` -> null (ends when nothing runs any more),
``index/search`` {"text", "k"} -> rows.
Notifications to the client that started the job: ``job/progress`` {"job", "message", "percentage"}
and, exactly once, ``job/done`` {"job", "outcome"} or {"job", "error": {"code", "message", "mend"}}
(a cancelled job ends with code "cancelled").
"""

from __future__ import annotations

from dataclasses import dataclass, field

from benchmark_runner.workload import Kind

PROTOCOL = 3
ALREADY = 75
"""Exit code of an engine that finds another one of its workspace alive (EX_TEMPFAIL)."""

JOB_FOLDERS = ".job-"
"""Prefix of the folders that jobs keep in the state folder while they run."""


@dataclass(frozen=True)
class ModelSpec:
    """A model behind litellm; nothing is sent anywhere without one.

    The key is resolved by the client from its own environment, since the engine may have been
    started by another client; it is never written to disk.
    """

    model: str
    api_base: str | None = None
    api_key: str | None = field(default=None, repr=False)
    timeout_s: float = 60.0
    max_tokens: int = 8192


@dataclass(frozen=True)
class CommandSpec:
    """A project's own commands, already split into words; see workload.CommandWorkload."""

    benchmark: tuple[str, ...]
    test: tuple[str, ...] | None = None
    metric: str = "auto"
    higher_is_better: bool = False
    timeout_s: float = 600.0
    setup: tuple[str, ...] | None = None
    keep: tuple[str, ...] = ()
    budget_s: float = 600.0


@dataclass(frozen=True)
class OptimizeSpec:
    """One `optimize` job.

    `path` may be None when a workload names what is hot. `text` is the editor's text of `path`
    where it differs from the disk. `workload` is the command line already split; each of its runs
    reads `stdin`, a path that the engine opens, from byte `stdin_start` on, or nothing.
    `inputs_file` is the user's FILE.py. `python` is an absolute path, already allowed by the trust
    rules.
    `budget` is the number of evaluations for each function. With `tests` the project's own tests
    are looked for where nothing else tells what a function is called on.

    `cases` is a folder or file, absolute or relative to the workspace, in which {stem} stands for
    the source's name; `build` a command with {source} and {out}; with
    `only_cases` nothing is made from the cases; `command` the project's own
    commands. All three are already allowed by the trust rules. `kind` is the kind of workload that
    the user asked for; None leaves it to `optimizer.workloads`.
    """

    workspace: str
    path: str | None
    function: str | None
    python: str
    text: str | None = None
    inputs_file: str | None = None
    workload: tuple[str, ...] | None = None
    cwd: str | None = None
    stdin: str | None = None
    stdin_start: int = 0
    strategy: str = "beam"
    budget: int = 32
    width: int = 1
    depth: int = 4
    examples: int = 8
    model: ModelSpec | None = None
    rounding: float | None = None
    allow_unsandboxed: bool = False
    max_functions: int = 10
    workload_timeout_s: float = 600.0
    ignore: tuple[str, ...] = ()
    tests: bool = True
    cluster: str | None = None
    """Address of a dask scheduler whose workers judge candidates of functions."""
    cases: str | None = None
    build: str | None = None
    only_cases: bool = False
    command: CommandSpec | None = None
    kind: Kind | None = None


@dataclass(frozen=True)
class Status:
    """A living engine: its process, protocol and running jobs."""

    pid: int
    version: str
    protocol: int
    jobs: tuple[str, ...]
    clients: int
