"""One worker: a sandboxed process of the user's interpreter that runs one version of a function.

The original and a candidate never share a worker, and no worker ever sees what the other gave. A
worker is believed only where it can't lie: the clocks are the parent's (`perf_counter_ns`) and the
kernel's (the CPU clock of the worker's pid, read by the parent), its answers are canonical bytes
that are parsed and never executed, and its exit code says nothing (validation protocol, 1 to 6).
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Literal

from benchmark_runner import harness
from benchmark_runner.errors import CandidateFailed, InputsFailed, SandboxError, WorkerDied
from benchmark_runner.frames import Channel
from benchmark_runner.sandbox import bwrap
from benchmark_runner.sandbox.files import output_file, remove_folder
from benchmark_runner.sandbox.layout import Layout, layout_of
from benchmark_runner.sandbox.limits import Limits
from benchmark_runner.sandbox.policy import (
    SYSTEM_FILES,
    Confinement,
    Sandbox,
    environment,
    make_scratch,
    project_paths,
)
from benchmark_runner.sandbox.probe import probe
from benchmark_runner.sandbox.watchdog import WATCHDOG, Watched
from benchmark_runner.workload import Version

Mode = Literal["full", "light", "twice", "partial"]
"""What `observe` looks at.

full: everything. light: without globals, for many inputs. twice: the result of a first call is
changed in place, then a second call on fresh arguments is observed, with the first outcome's
digest beside. partial: of an iterator one item is taken, then it is closed.
"""

_MOST_VALUES = 500_000
"""Values in one reply; what a call returned comes as bytes within it."""

_REAP_S = 5.0

_DEATHS = {
    "memory": "it used more memory than {memory} MB",
    "disk": "it wrote more than {scratch} MB of files",
    "killed": "it was stopped",
}


@dataclass(frozen=True)
class InputsPlan:
    """Where a worker gets its inputs from.

    "file": `inputs()` of the user's file `path`. "captured": a folder `path` with `manifest.json`
    and `calls.bin` (repeated 8-byte little-endian length and a pickle of (args, kwargs)), which is
    unpickled in the worker only. "values": canonical bytes of (args, kwargs) each. `count` is the
    exact number to take; None takes up to `max_items`, for at most `max_seconds`.
    """

    kind: Literal["file", "captured", "values"]
    path: Path | None = None
    values: tuple[bytes, ...] = ()
    count: int | None = None
    max_items: int = 200
    max_seconds: float = 2.0


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
    """One input: digest of its canonical bytes, their size, and a short text of the call."""

    index: int
    digest: bytes
    size: int
    call: str


@dataclass(frozen=True)
class Observation:
    """One observed call.

    `payload` holds canonical bytes of a dict with the parts "outcome", "arguments", "output"
    (stdout, stderr), "rng", "warnings", "process", in mode full also "globals", in mode twice also
    "first". `core` is the digest of outcome and arguments, the same that `check` gives. `kind` is
    "plain", "raise", "iterator", "coroutine" or "async iterator"; `lazy` tells that the result
    holds an iterator somewhere inside: time such inputs with `stage(..., encode=True)`. `rng`: the
    call drew random numbers, so in a batch only the first call repeats `core`. `cpu_s` and
    `wall_s` are of the whole request by the parent's clocks; `call_s` is the call alone by the
    worker's own, good for choosing sizes only.
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


@dataclass(frozen=True)
class Timing:
    """A timed window by the parent's clocks."""

    cpu_s: float
    wall_s: float


@functools.cache
def _spawner() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="hasten-spawner")


def _spawn_for_good(command: list[str], **given: Any) -> subprocess.Popen[bytes]:
    """Start a process from a thread that lives as long as this process does.

    PR_SET_PDEATHSIG, which bubblewrap's --die-with-parent uses too, kills the child when the
    *thread* that started it ends: a job's thread may end before its workers are passed on.
    """
    start: Callable[..., subprocess.Popen[bytes]] = subprocess.Popen
    return _spawner().submit(start, command, **given).result()


class Process:
    """The process of a worker with its pipes and output files; `close` leaves nothing behind."""

    def __init__(self, confinement: Confinement, cwd: Path, hash_seed: int) -> None:
        self.confinement = confinement
        limits = confinement.limits
        self.reason: str | None = None
        self.closed = False
        self.lock = threading.Lock()
        self.pid = 0
        self.pidfd = -1
        self.own_pid = 0
        self.stdout: IO[bytes] = output_file()
        self.stderr: IO[bytes] = output_file()
        commands_read, commands_write = os.pipe()
        replies_read, replies_write = os.pipe()
        self.channel = Channel(replies_read, commands_write, limits.frame_bytes)
        try:
            self.popen = self._spawn(cwd, hash_seed, commands_read, replies_write)
        except BaseException:
            self.channel.close()
            self._close_files()
            raise
        finally:
            os.close(commands_read)
            os.close(replies_write)

    def _spawn(
        self, cwd: Path, hash_seed: int, commands: int, replies: int
    ) -> subprocess.Popen[bytes]:
        own = self.confinement
        layout = own.layout
        command = [str(layout.python), "-B", str(layout.harness), str(commands), str(replies)]
        inherited = [commands, replies]
        info_read = info_write = -1
        if own.sandbox.level == "L2":
            info_read, info_write = os.pipe()
            inherited.append(info_write)
            command = [
                *bwrap.arguments(
                    probe().bwrap or "bwrap",
                    readable=own.readable(),
                    files=SYSTEM_FILES,
                    scratch=own.scratch,
                    scratch_bytes=own.limits.scratch_bytes,
                    chdir=cwd,
                    info_fd=info_write,
                ),
                *command,
            ]
        try:
            popen = _spawn_for_good(
                command,
                stdin=subprocess.DEVNULL,
                stdout=self.stdout,
                stderr=self.stderr,
                pass_fds=inherited,
                start_new_session=True,
                cwd=None if own.sandbox.level == "L2" else cwd,
                env=environment(layout, own.scratch, hash_seed),
            )
            if info_write >= 0:
                os.close(info_write)
                info_write = -1
            self.pid = self.own_pid = popen.pid
            if info_read >= 0:
                self._inside(popen, info_read)
        finally:
            for descriptor in (info_read, info_write):
                if descriptor >= 0:
                    os.close(descriptor)
        return popen

    def _inside(self, popen: subprocess.Popen[bytes], info: int) -> None:
        """The worker's pid behind bubblewrap: the child is pid 1 of its own namespace."""
        try:
            deadline = time.monotonic() + self.confinement.limits.start_s
            self.pid = bwrap.read_pid(info, deadline)
            self.pidfd = os.pidfd_open(self.pid)
        except (SandboxError, OSError) as error:
            with contextlib.suppress(OSError):
                popen.kill()
            popen.wait()
            raise SandboxError(
                f"bubblewrap did not start the worker: {self.error_text() or error}",
                code="sandbox-bwrap",
                mend="run `hasten doctor`; HASTEN_SANDBOX=L1 does without bubblewrap",
            ) from error
        self.own_pid = 1

    def error_text(self, most: int = 2000) -> str:
        """The end of what the worker wrote to standard error; hostile text."""
        with contextlib.suppress(OSError, ValueError):
            size = os.fstat(self.stderr.fileno()).st_size
            data = os.pread(self.stderr.fileno(), most, max(size - most, 0))
            return data.decode("utf-8", "replace").strip()
        return ""

    def kill(self, reason: str = "killed") -> None:
        """End it at once, from any thread; what waits for it gets WorkerDied with the reason."""
        with self.lock:
            if self.reason is None:
                self.reason = reason
            if self.closed:
                return
            with contextlib.suppress(OSError):
                if self.pidfd >= 0:  # bubblewrap then reaps it and ends by itself
                    signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)
                else:
                    os.killpg(self.popen.pid, signal.SIGKILL)

    def close(self) -> None:
        """Kill it, wait for it, and remove its files. Does nothing the second time."""
        if self.closed:
            return
        self.kill(self.reason or "closed")
        try:
            self.popen.wait(_REAP_S)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(OSError):
                os.killpg(self.popen.pid, signal.SIGKILL)
            self.popen.wait()
        with self.lock:
            self.closed = True
            self.channel.close()
            if self.pidfd >= 0:
                os.close(self.pidfd)
        self._close_files()

    def _close_files(self) -> None:
        self.stdout.close()
        self.stderr.close()
        own = self.confinement
        if own.sandbox.level != "L2":
            remove_folder(own.scratch)


def _attempts(told: Any) -> Attempts:
    """The tripwire's notes, bounded and of the right types."""
    items = told if isinstance(told, list | tuple) else ()
    pairs = [item for item in items[:64] if isinstance(item, list | tuple) and len(item) == 2]
    return tuple((str(kind)[:40], str(detail)[:200]) for kind, detail in pairs)


class Worker:
    """A running worker. Ends with its context; killable from any thread at any moment."""

    def __init__(self, spec: WorkerSpec, layout: Layout, process: Process) -> None:
        self.spec = spec
        self.layout = layout
        self.process = process
        self.clock = (~process.pid << 3) | 2
        self.layers: tuple[str, ...] = ()

    @classmethod
    def start(cls, spec: WorkerSpec) -> Worker:
        """Start the process and confine it, before any code of the user's is loaded.

        Raises InterpreterError, SandboxError, or WorkerDied.
        """
        layout = layout_of(spec.python)
        level = spec.sandbox.level
        texts = [Path(path) for path, _ in spec.version.files]
        if spec.inputs.kind == "file" and spec.inputs.path is not None:
            texts.append(spec.inputs.path)
        more = [shown for path in texts for shown in project_paths(path.parent, path)]
        if spec.inputs.kind == "captured" and spec.inputs.path is not None:
            more.append(spec.inputs.path)
        project = project_paths(spec.project, spec.path)
        confinement = Confinement(
            sandbox=spec.sandbox,
            layout=layout,
            limits=spec.limits,
            project=project,
            more=tuple(more),
            scratch=make_scratch(level),
        )
        try:
            process = Process(confinement, spec.path.parent, spec.hash_seed)
        except BaseException:
            if level != "L2":
                remove_folder(confinement.scratch)
            raise
        worker = cls(spec, layout, process)
        try:
            worker._confine(confinement)
        except BaseException:
            worker.close()
            raise
        return worker

    def _confine(self, confinement: Confinement) -> None:
        limits = self.spec.limits
        level = self.spec.sandbox.level
        scratch = None if level == "L2" else confinement.scratch
        WATCHDOG.add(
            Watched(self.pid, limits.memory, scratch, limits.scratch_bytes, self.process.kill)
        )
        parent = 0 if level == "L2" else os.getpid()
        jail = confinement.jail(self.process.own_pid, parent)
        told = self._ask(b"J", jail, limits.start_s)
        self.layers = tuple(str(name) for name in told.get("layers", ()))
        wanted = {"landlock", "seccomp", "no-new-privs"} if level != "L0" else set()
        if not wanted <= set(self.layers):
            raise SandboxError(
                f"the worker is not confined: {', '.join(sorted(wanted - set(self.layers)))}",
                code="sandbox-incomplete",
                mend="run `hasten doctor`",
            )

    @property
    def pid(self) -> int:
        """The worker's own process id, as this process sees it."""
        return self.process.pid

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def kill(self, reason: str = "killed") -> None:
        """End the worker from any thread; a request under way raises WorkerDied."""
        self.process.kill(reason)

    def close(self) -> None:
        """End the worker and remove all that it had."""
        WATCHDOG.remove(self.pid)
        self.process.close()

    # -- requests

    def _died(self, error: WorkerDied) -> WorkerDied:
        """The same death with its cause, and kill what may still run."""
        if self.process.closed:
            return WorkerDied("the worker is closed", code="closed")
        reason = self.process.reason
        self.process.kill(error.code)
        if reason in _DEATHS:
            limits = self.spec.limits
            text = _DEATHS[reason].format(
                memory=limits.memory >> 20, scratch=limits.scratch_bytes >> 20
            )
            return WorkerDied(f"the worker was killed: {text}", code=reason)
        if error.code == "ended":
            tail = self.process.error_text(400).rpartition("\n")[2]
            return WorkerDied(f"{error.message}{': ' + tail if tail else ''}", code="ended")
        return error

    def _open(self) -> None:
        """Raise WorkerDied when closed: its pid and descriptors may be another's by now."""
        if self.process.closed:
            raise WorkerDied("the worker is closed", code="closed")

    def _ask(self, operation: bytes, value: object, seconds: float) -> dict[str, Any]:
        """One request; its reply as plain values."""
        self._open()
        try:
            reply = self.process.channel.request(operation, value, seconds)
            told = harness.decode_plain(reply.body, _MOST_VALUES) if reply.body else {}
        except WorkerDied as error:
            raise self._died(error) from None
        except ValueError as error:
            raise self._died(WorkerDied(f"malformed reply: {error}", code="protocol")) from None
        if not isinstance(told, dict):
            raise self._died(WorkerDied("malformed reply", code="protocol"))
        if not reply.ok:
            self._failed(told)
        return told

    def _failed(self, told: dict[str, Any]) -> None:
        stage, message = str(told.get("stage"))[:40], str(told.get("message"))[:4000]
        if stage == "inputs":
            raise InputsFailed(message)
        if stage in ("import", "lookup"):
            raise CandidateFailed(stage, message)
        raise self._died(WorkerDied(f"{stage}: {message}", code="harness"))

    def _spec(self) -> dict[str, Any]:
        spec = self.spec
        hint, more = "", []
        if spec.inputs.kind == "file" and spec.inputs.path is not None:
            with contextlib.suppress(OSError):
                hint = spec.inputs.path.read_text("utf-8", "replace")
        if spec.inputs.kind == "captured":
            more = [p for p in self._manifest().get("sys_path", []) if self._in_project(p)]
        return {
            "path": str(spec.path),
            "called": spec.called,
            "files": [list(pair) for pair in spec.version.files],
            "project": str(spec.project),
            "libraries": list(self.layout.libraries),
            "more_path": more,
            "hint": hint,
        }

    def _in_project(self, path: object) -> bool:
        return isinstance(path, str) and self.spec.project in (Path(path), *Path(path).parents)

    def _manifest(self) -> dict[str, Any]:
        """The manifest of captured inputs; {} when it can't be read (then the worker says why)."""
        if self.spec.inputs.path is None:
            return {}
        try:
            told = json.loads((self.spec.inputs.path / "manifest.json").read_bytes())
        except (OSError, ValueError):
            return {}
        return told if isinstance(told, dict) else {}

    def load(self) -> Loaded:
        """Import the version under test and find the function. Raises CandidateFailed."""
        before = self.cpu_s()
        told = self._ask(b"L", self._spec(), self.spec.limits.load_s)
        return Loaded(
            import_cpu_s=self.cpu_s() - before,
            module=str(told.get("module")),
            stdout=str(told.get("stdout")),
            stderr=str(told.get("stderr")),
            attempts=_attempts(told.get("attempts")),
        )

    def make_inputs(self) -> tuple[InputInfo, ...]:
        """Take the inputs in. Works before `load` too. Raises InputsFailed."""
        plan = self.spec.inputs
        request = {
            "spec": self._spec(),
            "kind": plan.kind,
            "path": None if plan.path is None else str(plan.path),
            "values": list(plan.values),
            "count": plan.count,
            "max_items": plan.max_items,
            "max_seconds": plan.max_seconds,
            "main_path": self._manifest().get("main_path") if plan.kind == "captured" else None,
        }
        told = self._ask(b"I", request, self.spec.limits.inputs_s)
        items = told.get("items")
        infos = []
        for index, item in enumerate(items if isinstance(items, list) else ()):
            if not isinstance(item, dict):
                raise self._died(WorkerDied("malformed reply", code="protocol"))
            call = "".join(c if c.isprintable() else " " for c in str(item.get("call"))[:400])
            infos.append(
                InputInfo(index, _bytes(item.get("digest")), _count(item.get("size")), call)
            )
        return tuple(infos)

    def observe(self, i: int, *, mode: Mode = "full") -> Observation:
        """One observed call on fresh arguments. Raises WorkerDied (code "timeout" and others)."""
        cpu, wall = self.cpu_s(), time.perf_counter()
        told = self._ask(b"O", {"index": i, "mode": mode}, self.spec.limits.call_s)
        return Observation(
            payload=_bytes(told.get("payload")),
            core=_bytes(told.get("core")),
            kind=str(told.get("kind"))[:40],
            lazy=bool(told.get("lazy")),
            rng=bool(told.get("rng")),
            cpu_s=self.cpu_s() - cpu,
            wall_s=time.perf_counter() - wall,
            call_s=_seconds(told.get("cpu_s")),
            attempts=_attempts(told.get("attempts")),
        )

    def stage(self, i: int, reps: int, *, encode: bool = False) -> None:
        """Make fresh arguments for `reps` calls on input `i`, untimed.

        `encode` puts the encoding of the results inside the window, which makes results that hold
        iterators do their work there.
        """
        request = {"index": i, "reps": reps, "encode": encode}
        self._ask(b"S", request, self.spec.limits.inputs_s)

    def run(self) -> Timing:
        """Make the staged calls in one timed window, by the parent's clocks."""
        self._open()
        channel = self.process.channel
        nonce = os.urandom(8)
        request = b"\0\0\0\0" + nonce + b"R"
        poll, limit = channel.wait_readable, self.spec.limits.batch_s * 1000
        clock, cpu_ns, wall_ns = self.clock, time.clock_gettime_ns, time.perf_counter_ns
        try:
            channel.expect_silence()
            cpu = cpu_ns(clock)
            wall = wall_ns()
            os.write(channel.write_fd, request)
            ready = poll(limit)
            wall = wall_ns() - wall
            cpu = cpu_ns(clock) - cpu
            if not ready:
                raise WorkerDied("the worker did not answer in time", code="timeout")
            channel.receive_empty(nonce)
        except OSError:
            raise self._died(WorkerDied("the worker ended", code="ended")) from None
        except WorkerDied as error:
            raise self._died(error) from None
        return Timing(cpu / 1e9, wall / 1e9)

    def check(self, indices: Sequence[int]) -> tuple[bytes, ...]:
        """Digests of outcome and arguments of these calls of the last window."""
        told = self._ask(b"C", list(indices), self.spec.limits.batch_s)
        found = told.get("digests")
        if not isinstance(found, list) or len(found) != len(indices):
            raise self._died(WorkerDied("malformed reply", code="protocol"))
        return tuple(_bytes(digest) for digest in found)

    def state(self) -> bytes:
        """Canonical bytes of a dict from "module:name" to the digest of all reachable from there.

        Globals of the module and of other modules of the project, function attributes, defaults
        and closures, class attributes, cache sizes; also settings of the process and the names in
        some shared library modules. Only comparable within one worker. Raises WorkerDied.
        """
        return harness.encode(self._ask(b"G", {}, self.spec.limits.call_s))

    def cpu_s(self) -> float:
        """CPU seconds of the worker since it started, by the kernel. Raises WorkerDied."""
        self._open()
        try:
            return time.clock_gettime_ns(self.clock) / 1e9
        except OSError:
            raise self._died(WorkerDied("the worker ended", code="ended")) from None

    def idle(self, seconds: float) -> float:
        """CPU seconds used while nothing was asked for that long: deferred or background work."""
        before = self.cpu_s()
        channel = self.process.channel
        try:
            if channel.wait_readable(seconds * 1000):
                channel.expect_silence()
        except WorkerDied as error:
            raise self._died(error) from None
        return self.cpu_s() - before


def _bytes(value: object) -> bytes:
    if not isinstance(value, bytes):
        raise WorkerDied("malformed reply", code="protocol")
    return value


def _count(value: object) -> int:
    return value if isinstance(value, int) and 0 <= value < 1 << 62 else 0


def _seconds(value: object) -> float:
    return value if isinstance(value, float) and 0 <= value < 1e9 else 0.0
