"""What a worker of a cluster runs: a thin function over a process of its own for each job.

Only the standard library: this module is imported by the scheduler's workers, the work itself is
done by `hasten run-job` in a child that can be killed at any time.
"""

from __future__ import annotations

import contextlib
import os
import platform
import signal
import subprocess
import threading
import time

from hasten import __version__
from hasten.launcher import child_command, child_environment

_GRACE_S = 5.0
_running: dict[str, subprocess.Popen[bytes]] = {}
_cancelled: set[str] = set()
_lock = threading.Lock()


def versions() -> dict[str, str]:
    """What both sides of a cluster must agree on."""
    return {"hasten": __version__, "python": platform.python_version()}


def run(id: str, payload: bytes, timeout_s: float) -> bytes:
    """One job in a process of its own; its answer as JSON, b"" where it gave none in time.

    Whatever happens, the process and all that it started are gone afterwards.
    """
    with _lock:
        if id in _cancelled:
            _cancelled.discard(id)
            return b""
        process = subprocess.Popen(
            child_command("run-job"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=child_environment(),
            start_new_session=True,
        )
        _running[id] = process
    try:
        return process.communicate(payload, timeout=timeout_s)[0]
    except (subprocess.TimeoutExpired, OSError, ValueError):
        return b""
    finally:
        with _lock:
            _running.pop(id, None)
            _cancelled.discard(id)
        _end(process)


def cancel(ids: list[str]) -> int:
    """End these jobs wherever they are on this worker; how many were running."""
    with _lock:
        found = [_running[id] for id in ids if id in _running]
        _cancelled.update(ids)
    for process in found:
        threading.Thread(target=_end, args=(process,), daemon=True).start()
    return len(found)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask it to end its workers and itself, then kill what is left of its group."""
    if process.poll() is None:
        with contextlib.suppress(OSError):
            process.terminate()
        until = time.monotonic() + _GRACE_S
        while process.poll() is None and time.monotonic() < until:
            time.sleep(0.02)
    with contextlib.suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
