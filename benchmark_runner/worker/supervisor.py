"""One worker: a sandboxed process of the user's interpreter that runs one version of a function.

The original and a candidate never share a worker, and no worker ever sees what the other gave. A
worker is believed only where it can't lie: the clocks are the parent's (`perf_counter_ns`) and the
kernel's (the CPU clock of the worker's pid, read by the parent), its answers are canonical bytes
that are parsed and never executed, and its exit code says nothing (validation protocol, 1 to 6).
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

from benchmark_runner.errors import CandidateFailed, InputsFailed, SandboxError, WorkerDied
from benchmark_runner.sandbox.files import remove_folder
from benchmark_runner.sandbox.layout import Layout, layout_of
from benchmark_runner.sandbox.policy import Confinement, make_scratch, project_paths
from benchmark_runner.sandbox.process import Process
from benchmark_runner.sandbox.watchdog import WATCHDOG, Watched
from benchmark_runner.worker import harness
from benchmark_runner.worker.observations import (
    Attempts,
    Examined,
    Extra,
    Given,
    InputInfo,
    InputsPlan,
    Loaded,
    MemoryUse,
    Mode,
    Observation,
    Sealed,
    Steps,
    Timing,
    WorkerSpec,
)

__all__ = [
    "Attempts",
    "Examined",
    "Extra",
    "Given",
    "InputInfo",
    "InputsPlan",
    "Loaded",
    "MemoryUse",
    "Mode",
    "Observation",
    "Steps",
    "Timing",
    "Worker",
    "WorkerSpec",
]

_MOST_VALUES = 500_000
"""Values in one reply; what a call returned comes as bytes within it."""

_STATE_READINGS = 4
"""For how many readings of the state a call is waited for: it makes two, on a busy machine."""

_DEATHS = {
    "memory": "it used more memory than {memory} MB",
    "disk": "it wrote more than {scratch} MB of files",
    "killed": "it was stopped",
}


def _attempts(told: Any) -> Attempts:
    """The tripwire's notes, bounded and of the right types."""
    items = told if isinstance(told, list | tuple) else ()
    pairs = [item for item in items[:64] if isinstance(item, list | tuple) and len(item) == 2]
    return tuple((str(kind)[:40], str(detail)[:200]) for kind, detail in pairs)


def _marks(told: Any) -> dict[str, tuple[str, ...]]:
    """What is told beside an observation, bounded and of the right types."""
    found = {}
    for kind, texts in list(told.items())[:8] if isinstance(told, dict) else ():
        some = texts[:16] if isinstance(texts, list) else ()
        shown = ("".join(c if c.isprintable() else " " for c in str(text)[:100]) for text in some)
        found[str(kind)[:20]] = tuple(shown)
    return found


class Worker:
    """A running worker. Ends with its context; killable from any thread at any moment."""

    def __init__(self, spec: WorkerSpec, layout: Layout, process: Process) -> None:
        self.spec = spec
        self.layout = layout
        self.process = process
        self.clock = (~process.pid << 3) | 2
        self.layers: tuple[str, ...] = ()
        self._state_s = 0.0

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
        if error.code == "ended" and (tried := self.process.tried()):
            return WorkerDied(tried, code="tried")
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
            "inputs": None if spec.inputs.path is None else str(spec.inputs.path),
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

    def load(self, libraries: Sequence[str] = ()) -> Loaded:
        """Import the version under test and find the function. Raises CandidateFailed.

        `libraries` are names of modules to import afterwards.
        """
        before = self.cpu_s()
        request = {**self._spec(), "modules": list(libraries)}
        told = self._ask(b"L", request, self.spec.limits.load_s)
        return Loaded(
            import_cpu_s=self.cpu_s() - before,
            module=str(told.get("module")),
            stdout=str(told.get("stdout")),
            stderr=str(told.get("stderr")),
            attempts=_attempts(told.get("attempts")),
        )

    def make_inputs(self, copied: Sequence[str] = ()) -> tuple[InputInfo, ...]:
        """Take the inputs in. Works before `load` too. Raises InputsFailed.

        With `copied`, one word for each input from an earlier `InputInfo`, they are only taken in
        and nothing is told: digests cost more than most calls, and the answers are checked anyway.
        """
        plan = self.spec.inputs
        told = self._ask(b"I", self._inputs_request(copied), self.spec.limits.inputs_s)
        infos = self._infos(told, 0)
        own = len(infos) - len(plan.extra)
        return tuple(
            replace(info, source=plan.source)
            if place < own
            else replace(info, source=plan.extra[place - own].source, extra=True)
            for place, info in enumerate(infos)
        )

    def add_inputs(self, extra: Sequence[Extra]) -> tuple[InputInfo, ...]:
        """Take more inputs in, behind those that are there. Raises InputsFailed, WorkerDied."""
        request = [(one.seed, one.value) for one in extra]
        told = self._ask(b"A", request, self.spec.limits.inputs_s)
        infos = self._infos(told, _count(told.get("first")))
        if len(infos) != len(extra):
            raise self._died(WorkerDied("malformed reply", code="protocol"))
        return tuple(
            replace(info, source=one.source, extra=True)
            for info, one in zip(infos, extra, strict=True)
        )

    def _infos(self, told: dict[str, Any], first: int) -> list[InputInfo]:
        """What was told of inputs, which are numbered from `first` on."""
        items = told.get("items")
        infos = []
        for index, item in enumerate(items if isinstance(items, list) else (), first):
            if not isinstance(item, dict):
                raise self._died(WorkerDied("malformed reply", code="protocol"))
            call = "".join(c if c.isprintable() else " " for c in str(item.get("call"))[:400])
            digest, size = _bytes(item.get("digest")), _count(item.get("size"))
            infos.append(InputInfo(index, digest, size, call, str(item.get("copied"))[:20]))
        return infos

    def _inputs_request(self, copied: Sequence[str]) -> dict[str, Any]:
        plan = self.spec.inputs
        return {
            "spec": self._spec(),
            "kind": plan.kind,
            "path": None if plan.path is None else str(plan.path),
            "values": list(plan.values),
            "count": plan.count,
            "max_items": plan.max_items,
            "max_seconds": plan.max_seconds,
            "copied": list(copied),
            "extra": [(extra.seed, extra.value) for extra in plan.extra],
            "main_path": self._manifest().get("main_path") if plan.kind == "captured" else None,
        }

    def observe(self, i: int, *, mode: Mode = "full") -> Observation:
        """One observed call on fresh arguments. Raises WorkerDied (code "timeout" and others).

        It may take `call_s`, and for a "full" one what reading the state took, some times over.
        """
        cpu, wall = self.cpu_s(), time.perf_counter()
        # Of a large project what is read before and after a call takes longer than most calls.
        reading = _STATE_READINGS * self._state_s if mode == "full" else 0.0
        limit = self.spec.limits.call_s + reading
        told = self._ask(b"O", {"index": i, "mode": mode}, limit)
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
            marks=_marks(told.get("marks")),
            heard=_count(told.get("heard")),
        )

    def sealed(self, order: Sequence[int], copied: Sequence[str]) -> Sealed:
        """Take the inputs in and make one call on each of `order`, all in one request.

        For a worker that was only loaded: it knows no input before. `copied` as in `make_inputs`.
        Raises InputsFailed, WorkerDied.
        """
        request = {"plan": {**self._inputs_request(copied), "sealed": True}, "order": list(order)}
        cpu, wall = self.cpu_s(), time.perf_counter()
        told = self._ask(b"W", request, self.spec.limits.inputs_s + self.spec.limits.batch_s)
        cpu, wall = self.cpu_s() - cpu, time.perf_counter() - wall
        found = told.get("digests")
        if not isinstance(found, list) or len(found) != len(order):
            raise self._died(WorkerDied("malformed reply", code="protocol"))
        modules = told.get("modules")
        names = tuple(str(name)[:200] for name in modules) if isinstance(modules, list) else ()
        return Sealed(cpu, wall, tuple(_bytes(digest) for digest in found), names[:500])

    def stage(self, i: int, reps: int, *, encode: bool = False) -> None:
        """Make fresh arguments for `reps` calls on input `i`, untimed.

        `encode` puts the encoding of the results inside the window, which makes results that hold
        iterators do their work there.
        """
        request = {"index": i, "reps": reps, "encode": encode, "each": []}
        self._ask(b"S", request, self.spec.limits.inputs_s)

    def stage_each(self, indices: Sequence[int]) -> None:
        """Make fresh arguments for one call on each of these inputs, untimed."""
        request = {"index": indices[0], "reps": 1, "encode": False, "each": list(indices)}
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
        started = time.perf_counter()
        told = self._ask(b"G", {}, self.spec.limits.load_s)
        self._state_s = max(self._state_s, time.perf_counter() - started)
        return harness.encode(told)

    def steps(self, i: int, most: int) -> Steps:
        """Interpreter steps of calls on input `i`, of at most `most` steps each.

        Told by the worker itself: honest versions' are right. Raises WorkerDied.
        """
        told = self._ask(b"T", {"index": i, "most": most}, self.spec.limits.batch_s)
        same, other = told.get("same"), told.get("other")
        if not isinstance(same, list) or len(same) != 3 or not isinstance(other, list):
            raise self._died(WorkerDied("malformed reply", code="protocol"))
        pairs = [pair for pair in other if isinstance(pair, tuple) and len(pair) == 2]
        return Steps(
            tuple(_signed(count) for count in same),
            tuple((_signed(count), _bytes(digest)) for count, digest in pairs),
            _attempts(told.get("attempts")),
        )

    def values(self, indices: Sequence[int], most: int = 1 << 16) -> tuple[Given, ...]:
        """What inputs hold, as far as it is of builtin types and takes up to `most` bytes each.

        To be called after `make_inputs`. Raises WorkerDied.
        """
        request = {"indices": list(indices), "most": most}
        told = self._ask(b"V", request, self.spec.limits.inputs_s).get("values")
        if not isinstance(told, list) or len(told) != len(indices):
            raise self._died(WorkerDied("malformed reply", code="protocol"))
        found = []
        for index, item in zip(indices, told, strict=True):
            whole, parts = item.get("whole"), item.get("parts")
            if not isinstance(parts, dict):
                raise self._died(WorkerDied("malformed reply", code="protocol"))
            pairs = tuple((k, _bytes(v)) for k, v in parts.items() if type(k) in (int, str))
            found.append(Given(index, None if whole is None else _bytes(whole), pairs))
        return tuple(found)

    def examine(self, extra: Extra, seconds: float, most_steps: int = 0) -> Examined:
        """A trial call of an input that is not among the worker's own, stopped after `seconds`.

        With `most_steps` the interpreter's steps are counted too, by one more call. Meant for the
        original only. Raises WorkerDied where the call can't be stopped.
        """
        request = {
            "seed": extra.seed, "value": extra.value, "seconds": seconds, "most": most_steps,
        }  # fmt: skip
        told = self._ask(b"E", request, self.spec.limits.call_s)
        return Examined(
            kind=str(told.get("kind"))[:20],
            exception=str(told.get("exception"))[:200],
            call_s=_seconds(told.get("cpu_s")),
            steps=_signed(told.get("steps")),
            digest=_bytes(told.get("digest")),
        )

    def memory(self, i: int, most_lines: int = 0) -> MemoryUse:
        """Memory of one call on input `i`, untimed. Raises WorkerDied.

        `most_lines` is how many steps are followed to add up what is asked for; 0: none.
        """
        told = self._ask(b"M", {"index": i, "lines": most_lines}, self.spec.limits.batch_s)
        allocated = _signed(told.get("allocated"))
        return MemoryUse(
            peak=_count(told.get("peak")),
            held=_count(told.get("held")),
            allocated=allocated if allocated >= 0 else None,
            resident=self.resident(),
        )

    def resident(self) -> int | None:
        """Bytes that the process had in memory at most since it started, by the kernel."""
        try:
            status = Path(f"/proc/{self.pid}/status").read_bytes()
        except OSError:
            return None
        _, found, rest = status.partition(b"VmHWM:")
        return int(rest.split(None, 1)[0]) << 10 if found else None

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


def _signed(value: object) -> int:
    return value if type(value) is int else -2


def _bytes(value: object) -> bytes:
    if not isinstance(value, bytes):
        raise WorkerDied("malformed reply", code="protocol")
    return value


def _count(value: object) -> int:
    return value if isinstance(value, int) and 0 <= value < 1 << 62 else 0


def _seconds(value: object) -> float:
    return value if isinstance(value, float) and 0 <= value < 1e9 else 0.0
