"""What a worker may see and touch, the same for Landlock and for bubblewrap.

Read: the system's libraries, the interpreter, the project. Write: a private scratch folder. The
user's home is not there, except for what of it is the interpreter or the project.
"""

from __future__ import annotations

import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark_runner.receipt import Level
from benchmark_runner.sandbox import landlock
from benchmark_runner.sandbox.layout import Layout
from benchmark_runner.sandbox.leftovers import own_folder
from benchmark_runner.sandbox.limits import BinaryLimits, Limits
from benchmark_runner.sandbox.probe import Probe, probe
from benchmark_runner.sandbox.seccomp import OWN_PID, Policy, assemble, seccomp_number
from benchmark_runner.worker import harness

SYSTEM = ("/usr", "/lib", "/lib32", "/lib64", "/libx32", "/bin", "/sbin")
SYSTEM_FILES = (
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/timezone",
    "/etc/alternatives",
    "/etc/passwd",
    "/etc/group",
    "/etc/nsswitch.conf",
    "/etc/mime.types",
    "/sys/devices/system/cpu",
)
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
_PROC = ("/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/filesystems")
SCRATCH_INSIDE = Path("/tmp/hasten-scratch")
"""The scratch folder of a worker at L2: a sized tmpfs that only it sees."""


@dataclass(frozen=True)
class Sandbox:
    """The level that a worker runs at, and whether it notes attempts (see harness.Tripwire).

    The tripwire costs a little for every audit event (`open`, `import`; `id` from 3.12 on), so
    timing leaves it off where the original's calls make such events. At L0 it is always on and
    refuses, having no kernel to do so. `allowed` is the policy derived from an original, (kind,
    detail) of what it tried: in its candidates' workers any other attempt ends the worker.
    """

    level: Level
    tripwire: bool = True
    allowed: tuple[tuple[str, str], ...] | None = None

    @classmethod
    def reached(cls, *, tripwire: bool = True) -> Sandbox:
        """The best that this machine offers (see `probe`)."""
        return cls(probe().level, tripwire)


def project_paths(project: Path, path: Path) -> tuple[Path, ...]:
    """The part of a project's folder that is shown.

    A project folder that is the home, above it or a shared folder like /tmp would show other
    people's and other projects' files: then only the package of the file, the Python files beside
    it and folders beside it that look like packages.
    """
    home = Path.home()
    folder = Path(harness.module_of(str(path))[1])
    roots = [project] if project in (folder, *folder.parents) else [project, folder]
    shown: list[Path] = []
    for root in roots:
        if root in (home, *home.parents) or _is_shared(root):
            shown += _beside(root, path)
        else:
            shown.append(root)
    return tuple(dict.fromkeys(shown))


def _is_shared(folder: Path) -> bool:
    try:
        return bool(folder.stat().st_mode & stat.S_ISVTX)
    except OSError:
        return False


def _beside(folder: Path, path: Path) -> list[Path]:
    """Of a folder that must not be shown whole: modules, packages, and what holds the file."""
    shown = []
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        return [path]
    for entry in entries:
        if entry.name.startswith("."):
            continue
        package = (entry / "__init__.py").exists()
        if entry in path.parents or package or (entry.suffix == ".py" and entry.is_file()):
            shown.append(entry)
    return shown


def environment(layout: Layout, scratch: Path, hash_seed: int) -> dict[str, str]:
    """The whole environment of a worker: nothing of the user's."""
    values = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(scratch),
        "TMPDIR": str(scratch),
        "LANG": "C.UTF-8",
        "PYTHONHASHSEED": str(hash_seed),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    # One thread per numeric library: otherwise the CPU clock measures how many cores were free.
    for name in ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "VECLIB"):
        values[f"{name}_NUM_THREADS"] = "1"
    if layout.user_base:
        values["PYTHONUSERBASE"] = layout.user_base
    return values


@dataclass(frozen=True)
class Confinement:
    """All that is needed to start one worker under a policy."""

    sandbox: Sandbox
    layout: Layout
    limits: Limits
    project: tuple[Path, ...]
    more: tuple[Path, ...]
    scratch: Path
    writable: tuple[Path, ...] = ()

    def readable(self) -> list[Path]:
        """Folders and files to read, in no order."""
        return [*self.layout.readable, self.layout.harness, *self.project, *self.more]

    def jail(self, pid: int, parent: int, policy: Policy = "worker") -> dict[str, Any]:
        """What the harness applies to itself. `pid` is its own as it sees it."""
        level = self.sandbox.level
        kernel = level != "L0"
        found = probe()
        readable = [os.path.realpath(p) for p in self.readable()]
        readable += [os.fspath(p) for p in self.readable()]
        own = (*SYSTEM, *SYSTEM_FILES, "/dev", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat")
        # A program may signal its own processes: a pid namespace or Landlock confines that.
        signals = policy == "program" and (level == "L2" or found.landlock_abi >= 6)
        own_allowed = self.sandbox.allowed
        kinds = None if own_allowed is None else {kind for kind, _ in own_allowed}
        code = b""
        if kernel and found.seccomp:
            code = assemble(policy, pid, signals=signals, allowed=kinds)
        return {
            "rlimits": self.limits.rlimits() if policy == "worker" else self.limits.for_program(),
            "kernel": kernel,
            "parent": parent,
            "drop_capabilities": kernel,
            "landlock": self.landlock(found, policy) if kernel and found.landlock_abi else None,
            "seccomp": code,
            "seccomp_number": seccomp_number(),
            "tripwire": self.sandbox.tripwire or not kernel,
            "enforce": not kernel,
            "allowed": None if own_allowed is None else [list(pair) for pair in own_allowed],
            "scratch": str(self.scratch),
            "readable": [*readable, *own],
        }

    def landlock(self, found: Probe, policy: Policy) -> dict[str, Any]:
        """Landlock's rules: read what is readable, write the scratch folder.

        A worker executes nothing; a program may execute what it may read, and write in
        `writable` and in shared memory.
        """
        read, write = landlock.READ, landlock.READ_WRITE
        if policy == "program":
            read, write = landlock.READ_EXECUTE, landlock.ALL_FILES
        shown = [Path(p) for p in (*SYSTEM, *SYSTEM_FILES, *_PROC)]
        if self.sandbox.level == "L2":
            shown.append(Path("/proc"))  # of its own pid namespace
        rules = [(p, read) for p in (*shown, *self.readable())]
        rules += [(Path(p), landlock.DEVICE) for p in DEVICES]
        rules += [(p, write) for p in (self.scratch, *self.writable)]
        if policy == "program":
            rules.append((Path("/dev/shm"), landlock.READ_WRITE))
        return landlock.ruleset(found.landlock_abi, rules)

    def write_access(self) -> int:
        """Landlock's rights in the folder of one run of a compiled program."""
        return landlock.READ_WRITE

    def binary_jail(
        self, program: Path, limits: BinaryLimits, exec_at: tuple[int, int, int]
    ) -> dict[str, Any]:
        """What the launcher's child applies to itself before it becomes a compiled program.

        The launcher adds the run's own folder to Landlock's rules and the pid to the filter.
        """
        level = self.sandbox.level
        kernel, found = level != "L0", probe()
        rules = landlock.ruleset(found.landlock_abi, self._binary_rules(program))
        code = b""
        if kernel and found.seccomp:
            code = assemble("run", OWN_PID, exec_at=exec_at)
        return {
            "rlimits": limits.rlimits(),
            "kernel": kernel,
            "drop_capabilities": kernel,
            "landlock": rules if kernel and found.landlock_abi else None,
            "seccomp": code,
            "seccomp_number": seccomp_number(),
        }

    def _binary_rules(self, program: Path) -> list[tuple[Path, int]]:
        """Read the system and what was given; execute what is needed for the one exec."""
        shown = [Path(p) for p in (*SYSTEM, *SYSTEM_FILES, *_PROC)]
        rules = [(p, landlock.READ_EXECUTE) for p in (*shown, *self.more)]
        rules += [(p, landlock.READ_EXECUTE) for p in (program, Path(os.path.realpath(program)))]
        return rules + [(Path(p), landlock.DEVICE) for p in DEVICES]


def make_scratch(level: Level) -> Path:
    """A private scratch folder; at L2 the name of the one inside."""
    if level == "L2":
        return SCRATCH_INSIDE
    return Path(os.path.realpath(tempfile.mkdtemp(prefix="scratch-", dir=own_folder())))
