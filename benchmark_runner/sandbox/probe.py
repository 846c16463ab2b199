"""Which sandbox level this machine offers, found out by really doing it, once per process."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmark_runner.receipt import Level
from benchmark_runner.sandbox import bwrap as bubblewrap
from benchmark_runner.sandbox import landlock
from benchmark_runner.sandbox.scope import Scope, find_scope
from benchmark_runner.sandbox.seccomp import assemble, seccomp_number
from benchmark_runner.workload import Origin

_SECONDS = 10.0
_ORDER: tuple[Level, ...] = ("L0", "L1", "L2")
_APPARMOR = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")

_TRY_KERNEL = """
import ctypes, struct, sys
program = bytes.fromhex(sys.argv[1])
libc = ctypes.CDLL(None, use_errno=True)
zero = ctypes.c_ulong(0)
assert libc.prctl(38, ctypes.c_ulong(1), zero, zero, zero) == 0
buffer = ctypes.create_string_buffer(program, len(program))
fprog = struct.pack("@HP", len(program) // 8, ctypes.addressof(buffer))
flags = ctypes.c_ulong(1 | 4)
done = libc.syscall(int(sys.argv[2]), ctypes.c_ulong(1), flags, ctypes.c_char_p(fprog))
assert done == 0, ctypes.get_errno()
try:
    import socket
    socket.socket()
except PermissionError:
    print("works")
"""


@dataclass(frozen=True)
class Missing:
    """Something that this machine lacks, and how to mend it."""

    what: str
    mend: str


@dataclass(frozen=True)
class Probe:
    """What was found.

    `level` is what workers run at; `possible` what the machine could do where HASTEN_SANDBOX
    lowers it; both end at L2, and with a `scope` L2 is reported as L3 (see `reported`). `missing`
    is in the words of a person, for receipts; `mends` says what to do.
    """

    level: Level
    possible: Level
    missing: tuple[str, ...]
    notes: tuple[str, ...]
    mends: tuple[str, ...]
    landlock_abi: int
    seccomp: bool
    bwrap: str | None
    scope: Scope | None = None


def _kernel_filter_works() -> bool:
    """Whether a child can put our filter on itself and is then denied a socket."""
    program = assemble("worker", 0)
    if not program:
        return False
    command = [sys.executable, "-I", "-S", "-c", _TRY_KERNEL, program.hex(), str(seccomp_number())]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
            env={},
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.stdout.strip() == b"works"


def _bwrap_problem(program: str) -> str | None:
    """Why bubblewrap does not work here, in its own words; None when it does."""
    info_read, info_write = os.pipe()
    try:
        line = bubblewrap.arguments(
            program,
            readable=[],
            files=[],
            scratch=Path("/tmp/hasten-scratch"),
            scratch_bytes=1 << 20,
            chdir=Path("/"),
            info_fd=info_write,
        )
        done = subprocess.run(
            [*line, "true"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
            pass_fds=[info_write],
            env={"PATH": "/usr/bin:/bin"},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    finally:
        os.close(info_read)
        os.close(info_write)
    if done.returncode == 0:
        return None
    return done.stderr.decode("utf-8", "replace").strip()[:300] or f"exit code {done.returncode}"


def _bwrap_mend(problem: str) -> str:
    """What to do about a bubblewrap that is there but does not work."""
    try:
        restricted = _APPARMOR.read_text().strip() == "1"
    except OSError:
        restricted = False
    if restricted:
        return (
            "allow bubblewrap user namespaces: `sudo apt install apparmor-profiles` and load "
            "the profile bwrap-userns-restrict (Ubuntu 23.10 and newer forbid them by default)"
        )
    if "Operation not permitted" in problem or "No permissions" in problem:
        return "allow user namespaces for this container or user (kernel.unprivileged_userns_clone)"
    return "update bubblewrap to 0.4 or newer"


def _look() -> tuple[Level, list[Missing], int, bool, str | None]:
    missing: list[Missing] = []
    if sys.platform != "linux":
        what = f"{sys.platform} has no sandbox that hasten knows"
        return "L0", [Missing(what, "prove on Linux, for example in a container")], 0, False, None
    version = landlock.abi()
    if not version:
        missing.append(Missing("Landlock", "use Linux 5.13 or newer with lsm=landlock enabled"))
    seccomp = _kernel_filter_works()
    if not seccomp:
        missing.append(Missing("seccomp filters", "use a kernel with seccomp on x86_64 or aarch64"))
    if not (version and seccomp):
        return "L0", missing, version, seccomp, None
    program = shutil.which("bwrap")
    if program is None:
        missing.append(Missing("bubblewrap", "install bubblewrap (`sudo apt install bubblewrap`)"))
        return "L1", missing, version, seccomp, None
    problem = _bwrap_problem(program)
    if problem is not None:
        missing.append(Missing(f"working bubblewrap ({problem})", _bwrap_mend(problem)))
        return "L1", missing, version, seccomp, None
    return "L2", missing, version, seccomp, program


def _scope(level: Level, asked: str, missing: list[Missing]) -> Scope | None:
    """A systemd scope beside L2, unless a lower level was asked for."""
    if level != "L2" or asked in _ORDER:
        return None
    scope, why = find_scope()
    if scope is None:
        mend = "run in a systemd session (`loginctl enable-linger`); level L2 does without it"
        missing.append(Missing(f"systemd scope ({why})", mend))
    return scope


def reported(level: Level) -> Level:
    """The level as receipts name it: L2 in a systemd scope is L3."""
    return "L3" if level == "L2" and probe().scope is not None else level


@functools.cache
def probe() -> Probe:
    """The level of this machine. `HASTEN_SANDBOX=L0|L1|L2` lowers it, never raises it."""
    possible, missing, version, seccomp, program = _look()
    level = possible
    notes = [f"Landlock ABI {version}"] if version else []
    asked = os.environ.get("HASTEN_SANDBOX", "").strip().upper()
    if asked in _ORDER and _ORDER.index(asked) < _ORDER.index(possible):
        level = asked
        notes.append(f"lowered from {possible} to {level} by HASTEN_SANDBOX")
    elif asked and asked not in _ORDER:
        notes.append(f"HASTEN_SANDBOX={asked!r} is none of L0, L1, L2")
    scope = _scope(level, asked, missing)
    if scope is not None:
        notes.append(f"systemd scope{' of the user' if scope.user else ''}")
    return Probe(
        level=level,
        possible=possible,
        missing=tuple(m.what for m in missing),
        notes=tuple(notes),
        mends=tuple(m.mend for m in missing),
        landlock_abi=version,
        seccomp=seccomp,
        bwrap=program,
        scope=scope,
    )


def not_allowed(level: Level, origin: Origin, unsandboxed: bool) -> str | None:
    """Why a version is not run at a level, or None: at L0 only rules' edits are, and what the user
    said may run `unsandboxed`."""
    if level != "L0" or origin == "rule" or unsandboxed:
        return None
    who = "a model's version" if origin == "model" else "this version"
    lacking = ", ".join(probe().missing) or "see `hasten doctor`"
    return (
        f"sandbox: {who} is not run without one (level L0; missing: {lacking}); "
        "--allow-unsandboxed runs it all the same"
    )
