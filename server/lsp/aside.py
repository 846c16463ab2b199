"""Half of a piece of work on another core: in a fork, which has all that was read already."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

LIMIT_S = 30
"""After this a fork ends by itself, whatever it is at: who waits for it may be gone."""


def cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def aside(work: Callable[[], bytes]) -> Callable[[], bytes]:
    """Begin work in a fork; what comes back waits for its bytes.

    The work must touch no lock that another thread may hold, and nothing that is not memory.
    Raises OSError where there can be no fork, and where it ended without an answer.
    """
    theirs, ours = os.pipe()
    try:
        child = os.fork()
    except OSError:
        os.close(theirs)
        os.close(ours)
        raise
    if child == 0:
        _work_and_end(work, ours)
    os.close(ours)

    def wait() -> bytes:
        with os.fdopen(theirs, "rb") as pipe:
            data = pipe.read()
        _, status = os.waitpid(child, 0)
        if status != 0:
            raise OSError(f"the other half ended with {os.waitstatus_to_exitcode(status)}")
        return data

    return wait


def _work_and_end(work: Callable[[], bytes], ours: int) -> None:
    """Never returns: what the process had open is its parent's."""
    code = 1
    try:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(LIMIT_S)
        os.nice(20)  # the lowest: where both cores are taken, the front gets its own at once
        data = memoryview(work())
        while data:
            data = data[os.write(ours, data) :]
        code = 0
    finally:
        os._exit(code)
