"""The processor's count of a process tree's user instructions, by perf_event_open(2).

Virtual machines often have no counters (ENOENT), and containers may not open them (EACCES, EPERM);
`probe` says which. Where they are, they count at full speed what callgrind simulates.
"""

from __future__ import annotations

import ctypes
import errno
import functools
import os
import platform
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

_SYSTEM_CALL = {"x86_64": 298, "aarch64": 241}
_HARDWARE, _INSTRUCTIONS = 0, 1
_SOFTWARE, _TASK_CLOCK = 1, 1
_DISABLED, _INHERIT, _NO_KERNEL, _NO_HYPERVISOR, _ON_EXEC = 1, 1 << 1, 1 << 5, 1 << 6, 1 << 12
_SIZE = 112  # PERF_ATTR_SIZE_VER5
_CLOEXEC = 8


@dataclass(frozen=True)
class Event:
    """What to count; numbers as in <linux/perf_event.h>."""

    kind: int
    config: int
    name: str


INSTRUCTIONS = Event(_HARDWARE, _INSTRUCTIONS, "perf instructions:u")
TASK_CLOCK = Event(_SOFTWARE, _TASK_CLOCK, "perf task-clock:u")
"""Nanoseconds on a CPU: there on every kernel that has the call at all."""


def _open(event: Event) -> int:
    """A descriptor that counts what this thread's later children execute. Raises OSError."""
    number = _SYSTEM_CALL.get(platform.machine())
    if number is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    flags = _DISABLED | _INHERIT | _NO_KERNEL | _NO_HYPERVISOR | _ON_EXEC
    # type, size, config, sample_period, sample_type, read_format, flags; the rest stays zero
    head = struct.pack("<IIQQQQQ", event.kind, _SIZE, event.config, 0, 0, 0, flags)
    attributes = ctypes.create_string_buffer(head.ljust(_SIZE, b"\0"), _SIZE)
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    own, any_cpu, no_group = 0, -1, -1
    found = libc.syscall(
        ctypes.c_long(number), attributes, ctypes.c_long(own), ctypes.c_long(any_cpu),
        ctypes.c_long(no_group), ctypes.c_ulong(_CLOEXEC),
    )  # fmt: skip
    if found < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return int(found)


@functools.cache
def probe(event: Event = INSTRUCTIONS) -> str | None:
    """Why this machine can't count the event, or None where it can; asked once."""
    try:
        os.close(_open(event))
    except OSError as error:
        return f"perf_event_open: {errno.errorcode.get(error.errno or 0, '?')}"
    return None


class Count:
    """The sum over all programs that were started and have ended within the context."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def read(self) -> int:
        """The count so far, of those that have ended."""
        return int(struct.unpack("<Q", os.read(self._descriptor, 8))[0])


@contextmanager
def counting(event: Event = INSTRUCTIONS) -> Iterator[Count]:
    """Count what programs execute that this thread starts here, and all that they start.

    A child counts from its exec on; this process never does. Raises OSError (see `probe`).
    """
    descriptor = _open(event)
    try:
        yield Count(descriptor)
    finally:
        os.close(descriptor)
