"""py-spy: whether it may look into a process here, and running it.

A sampler looks at a program from outside and leaves it as fast as it is; a tracing profiler makes
each call slower, and functions with many small calls look hotter than they are. But a sampler needs
the right to read another process's memory, which containers and some systems deny.
"""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

RATE = 200
"""Samples a second: py-spy keeps up with it on a machine that is busy otherwise."""

ENOUGH = 200
"""Samples that shares are told from: of a half of the run then to 7 points (95 %)."""

CHATTER = re.compile(rb"\n?py-spy> [^\n]*\n+")
"""What py-spy says beside the program's own words."""


def find_sampler() -> Path | None:
    """py-spy's executable: of hasten's own environment, else on PATH."""
    beside = Path(sys.executable).with_name("py-spy")
    if beside.is_file():
        return beside
    found = shutil.which("py-spy")
    return Path(found) if found else None


class _Vector(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


@cache
def why_not() -> str | None:
    """Why no process of ours can be sampled here; None where it can.

    Reads eight bytes of a child's memory, as py-spy does: whatever forbids it (seccomp, Yama, a
    missing capability, another system) is heard without guessing which one it is.
    """
    if find_sampler() is None:
        return "py-spy is not installed"
    if not sys.platform.startswith("linux"):
        return "sampling is tried on Linux only"
    library = ctypes.CDLL(None, use_errno=True)
    if not hasattr(library, "process_vm_readv"):
        return "this system has no process_vm_readv"
    theirs = ctypes.create_string_buffer(b"a child", 8)
    ours = ctypes.create_string_buffer(8)
    ready, gone = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(gone)
        os.read(ready, 1)  # until the parent has looked
        os._exit(0)
    os.close(ready)
    try:
        read = library.process_vm_readv(
            child,
            ctypes.byref(_Vector(ctypes.addressof(ours), 8)), ctypes.c_ulong(1),
            ctypes.byref(_Vector(ctypes.addressof(theirs), 8)), ctypes.c_ulong(1),
            ctypes.c_ulong(0),
        )  # fmt: skip
        number = ctypes.get_errno()
    finally:
        os.close(gone)
        os.waitpid(child, 0)
    if read != 8:
        return f"this system lets no process read another one's memory ({os.strerror(number)})"
    return None


def sampler_command(
    out: Path, *, rate: int, native: bool, program: Sequence[str] = (), pid: int | None = None,
    seconds: float | None = None,
) -> list[str]:  # fmt: skip
    """The command line of py-spy that samples a program, or a process that runs already."""
    sampler = find_sampler()
    assert sampler is not None, "asked for where `why_not` has no reason"
    words = [str(sampler), "record", "--format", "speedscope", "--full-filenames"]
    words += ["--output", str(out), "--rate", str(rate)]
    if native:
        words.append("--native")
    if pid is not None:
        words += ["--pid", str(pid)]
    if seconds is not None:
        words += ["--duration", str(max(1, round(seconds)))]
    return [*words, "--", *program] if program else words
